"""Uniformity.

log of the mean of exp(-2 ||u - v||^2) over all pairs of rows scaled to length 1.

0 where all rows point the same way; about -4 for Gaussian rows of many dimensions. Lower is
more spread out. Uncentred: a large mean vector brings it near 0. Undefined where a row has length 0.

>>> import numpy as np
>>> uniformity(np.ones((5, 3)))
0.0
"""

import numpy as np

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows


def _compute(rows: Rows) -> float:
    n = len(rows.directions)  # refuses rows that have none
    kernel = np.exp(4 * np.minimum(rows.cosine, 1) - 4)  # ||u - v||^2 = 2 - 2 cos
    return float(np.log((kernel.sum() - np.trace(kernel)) / (n * (n - 1))))


uniformity = Reading(
    name="uniformity",
    title="Uniformity",
    unit="",
    better="neither",
    laws=Laws(shift=False),
    reference="Wang and Isola, Understanding contrastive representation learning through alignment "
    "and uniformity, ICML 2020 (arXiv 2005.10242)",
    needs="rows",
    least=2,
    description=__doc__,
    compute=_compute,
)
