"""Isotropy of the centred rows.

1 - mean cosine over all pairs of different rows, after their mean is removed.

About 1 + 1 / (n - 1) whatever the shape of the cloud, as long as norms are alike: it falls where
a few rows of small norm share a direction that large ones oppose.

>>> import numpy as np
>>> round(isotropy_centred(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])), 6)
1.333333
"""

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows, pairs_mean_cosine


def _compute(rows: Rows) -> float:
    assert len(rows.centred_norms)  # refuses rows all alike
    return 1 - pairs_mean_cosine(rows, centred=True)


isotropy_centred = Reading(
    name="isotropy_centred",
    title="Isotropy of the centred rows",
    unit="",
    better="neither",
    laws=Laws(),
    reference="Mu and Viswanath, All-but-the-top, ICLR 2018 (arXiv 1702.01417)",
    needs="rows",
    least=2,
    description=__doc__,
    compute=_compute,
)
