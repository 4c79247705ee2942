"""Participation ratio.

(sum l)^2 / sum(l^2), l the eigenvalues of the centred covariance.

For n Gaussian rows in d equal dimensions it is about d / (1 + d / n), not d.

>>> import numpy as np
>>> round(participation_ratio(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])), 6)
2.0
"""

from repscope.accumulators import Moments
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import few_rows, varying


def _compute(moments: Moments) -> float:
    return 1 / varying(moments).concentration


participation_ratio = Reading(
    name="participation_ratio",
    title="Participation ratio",
    unit="dimensions",
    reference="Gao et al., A theory of multineuronal dimensionality, bioRxiv 214262, 2017",
    needs="moments",
    caveats=few_rows,
    description=__doc__,
    compute=_compute,
)
