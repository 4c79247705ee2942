"""Accumulators: what is kept of the data, once the data are gone.

An accumulator is a commutative monoid. `Moments()` is its zero, `+` merges two, `of` makes that of
one batch alone: any split of the images over batches, workers or days gives the same answer, and
`sum(parts)` is the whole merge step.
"""

from repscope.accumulators.accumulator import Accumulator
from repscope.accumulators.cross_moments import CrossMoments
from repscope.accumulators.histogram import Histogram
from repscope.accumulators.moments import Moments
from repscope.accumulators.reservoir import Reservoir

__all__ = ["Accumulator", "CrossMoments", "Histogram", "Moments", "Reservoir"]
