"""Components above 1 % of the largest.

How many eigenvalues of the whole spectrum exceed .01 of the largest.

Some tools call this effective rank; that is another number.

>>> import numpy as np
>>> components_above_1pct(np.eye(21))
20.0
"""

from repscope.accumulators import Moments
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import few_rows, spectrum


def _compute(moments: Moments) -> float:
    values = spectrum(moments)
    return float((values > 0.01 * values[0]).sum())


components_above_1pct = Reading(
    name="components_above_1pct",
    title="Components above 1 % of the largest",
    unit="dimensions",
    reference="Jolliffe, Principal component analysis, 2002",
    needs="moments",
    caveats=few_rows,
    description=__doc__,
    compute=_compute,
)
