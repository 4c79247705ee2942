"""Stable rank.

||X||_F^2 / ||X||_2^2 of the centred rows: all variance over that of the largest component.

>>> import numpy as np
>>> round(stable_rank(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])), 6)
2.0
"""

from repscope.accumulators import Moments
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import few_rows, spectrum


def _compute(moments: Moments) -> float:
    values = spectrum(moments)
    return float(values.sum() / values[0])


stable_rank = Reading(
    name="stable_rank",
    title="Stable rank",
    unit="dimensions",
    reference="Rudelson and Vershynin, Sampling from large matrices, JACM 2007",
    needs="moments",
    caveats=few_rows,
    description=__doc__,
    compute=_compute,
)
