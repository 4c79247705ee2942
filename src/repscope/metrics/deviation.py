"""Deviation per dimension.

sqrt(d) times the mean over dimensions of the standard deviation of the rows scaled to length 1.

1 where every dimension carries as much and the mean is 0, 0 where all rows point the same way.
Of dimensions as they are, not of principal directions. Divides by n. Undefined where a row has
length 0.

>>> import numpy as np
>>> round(deviation(np.array([[3.0, 0], [-1, 0], [0, 2], [0, -5]])), 6)
1.0
"""

import numpy as np

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows


def _compute(rows: Rows) -> float:
    rows.directed()
    mean = np.sum([rows.unit_at(where).sum(0) for where in rows.parts()], 0) / len(rows)
    squares = np.sum([np.square(rows.unit_at(where) - mean).sum(0) for where in rows.parts()], 0)
    return float(np.sqrt(rows.width) * np.sqrt(squares / len(rows)).mean())


deviation = Reading(
    name="deviation",
    title="Deviation per dimension",
    unit="",
    better="neither",
    laws=Laws(shift=False, rotation=False),
    reference="Chen and He, Exploring simple Siamese representation learning, CVPR 2021 (arXiv 2011.10566)",
    needs="rows",
    patches=False,
    description=__doc__,
    compute=_compute,
)
