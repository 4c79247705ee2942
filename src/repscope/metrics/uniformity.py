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

BLOCK = 4096


def _compute(rows: Rows) -> float:
    rows.directed()
    if rows.many:
        return _in_blocks(rows)
    n = len(rows)
    kernel = np.exp(4 * np.minimum(rows.cosine, 1) - 4)  # ||u - v||^2 = 2 - 2 cos
    return float(np.log((kernel.sum() - np.trace(kernel)) / (n * (n - 1))))


def _in_blocks(rows: Rows) -> float:
    """Every pair of blocks once; cosines in float32, off by 1e-7 or so, their sum in float64."""
    import torch

    n, total = len(rows), 0.0
    unit = torch.from_numpy(np.concatenate([rows.unit_at(where).astype(np.float32) for where in rows.parts()]))
    for row in unit.split(BLOCK):
        own = True
        for column in unit[row.storage_offset() // unit.shape[1] :].split(BLOCK):
            kernel = (row @ column.T).clamp_(max=1).sub_(1).mul_(4).exp_()
            if own:
                kernel.fill_diagonal_(0)
            total += float(kernel.sum(1).double().sum()) * (1 if own else 2)
            own = False
    return float(np.log(total / (n * (n - 1))))


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
