"""Spatial coherence.

Mean cosine of patches that share an edge, mean vector included.

A constant field reads 1, and so nearly does any field with a large mean vector: see its centred twin.

>>> import numpy as np
>>> round(spatial_coherence(np.ones((4, 6, 3))), 6)
1.0
"""

import numpy as np

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows


def _compute(rows: Rows) -> float:
    assert rows.grid is not None
    field = rows.unit.reshape(*rows.grid, -1)
    across, down = (field[:, 1:] * field[:, :-1]).sum(-1), (field[1:] * field[:-1]).sum(-1)
    return float(np.concatenate([across.ravel(), down.ravel()]).mean())


spatial_coherence = Reading(
    name="spatial_coherence",
    title="Spatial coherence",
    unit="",
    better="neither",
    laws=Laws(shift=False, order=False),
    reference="Legendre, Spatial autocorrelation, Ecology 1993",
    needs="grid",
    least=2,
    description=__doc__,
    compute=_compute,
)
