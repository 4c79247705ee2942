"""Spatial coherence of the centred patches.

Mean cosine of patches that share an edge, after the mean patch is removed.

Independent patches read about 0; smooth fields near 1.

>>> import numpy as np
>>> field = np.add.outer(np.arange(6.0), np.zeros(6))[..., None]
>>> spatial_coherence_centred(field) > 0.5
True
"""

import numpy as np

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows


def _compute(rows: Rows) -> float:
    assert rows.grid is not None
    field = rows.unit_centred.reshape(*rows.grid, -1)
    across, down = (field[:, 1:] * field[:, :-1]).sum(-1), (field[1:] * field[:-1]).sum(-1)
    return float(np.concatenate([across.ravel(), down.ravel()]).mean())


spatial_coherence_centred = Reading(
    name="spatial_coherence_centred",
    title="Spatial coherence of the centred patches",
    unit="",
    better="neither",
    laws=Laws(order=False),
    reference="Legendre, Spatial autocorrelation, Ecology 1993",
    needs="grid",
    least=2,
    description=__doc__,
    compute=_compute,
)
