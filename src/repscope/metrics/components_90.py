"""Components for 90 % of the variance.

The smallest k whose k largest eigenvalues sum to at least .90 of the whole variance.

>>> import numpy as np
>>> components_90(np.eye(21))
18.0
"""

from repscope.accumulators import Moments
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import components_for, few_rows


def _compute(moments: Moments) -> float:
    return components_for(moments, 0.90)


components_90 = Reading(
    name="components_90",
    title="Components for 90 % of the variance",
    unit="dimensions",
    reference="Jolliffe, Principal component analysis, 2002",
    needs="moments",
    caveats=few_rows,
    description=__doc__,
    compute=_compute,
)
