"""Variance in the first 10 components.

Sum of the 10 largest eigenvalues over the sum of all of them, not of those kept.

>>> import numpy as np
>>> round(top10_share(np.eye(21)), 6)
0.5
"""

from repscope.accumulators import Moments
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import few_rows, spectrum


def _compute(moments: Moments) -> float:
    values = spectrum(moments)
    return float(values[:10].sum() / values.sum())


top10_share = Reading(
    name="top10_share",
    title="Variance in the first 10 components",
    unit="",
    reference="Jolliffe, Principal component analysis, 2002",
    needs="moments",
    caveats=few_rows,
    description=__doc__,
    compute=_compute,
)
