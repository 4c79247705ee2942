"""Effective rank.

exp(-sum p log p) with p = l / sum(l), l the eigenvalues of the centred covariance.

1 where one direction carries all variance, d where all carry the same. Its sibling rankme
takes singular values of the uncentred rows instead.

>>> import numpy as np
>>> round(effective_rank(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])), 6)
2.0
"""

from repscope.accumulators import Moments
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import exponential_entropy, few_rows, spectrum


def _compute(moments: Moments) -> float:
    values = spectrum(moments)
    return exponential_entropy(values / values.sum())


effective_rank = Reading(
    name="effective_rank",
    title="Effective rank",
    unit="dimensions",
    reference="Roy and Vetterli, The effective rank, EUSIPCO 2007",
    needs="moments",
    caveats=few_rows,
    description=__doc__,
    compute=_compute,
)
