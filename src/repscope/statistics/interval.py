"""Interval: how far a mean over images would move with other images."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

DRAWS, LEVEL = 2000, 0.95
MANY = 5000
"""Values from which on the mean is as good as normal, and 2,000 draws of it would be a waste."""


def interval(values: ArrayLike, seed: int = 0) -> tuple[float, float] | None:
    """Percentile bootstrap interval of the mean, 95 %; None for fewer than two values.

    The values are sorted first, so their order changes nothing. Too narrow for fewer than about ten
    values. From 5,000 values on it is the normal interval, which theirs has become. Efron and Tibshirani,
    An introduction to the bootstrap, 1993.

    >>> low, high = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> low < 3 < high
    True
    """
    x = np.sort(np.asarray(values, np.float64))
    if len(x) < 2:
        return None
    if len(x) >= MANY:
        half = NormalDist().inv_cdf((1 + LEVEL) / 2) * float(x.std(ddof=1)) / len(x) ** 0.5
        return float(x.mean()) - half, float(x.mean()) + half
    drawn = np.random.default_rng(seed).integers(0, len(x), (DRAWS, len(x)))
    low, high = np.quantile(x[drawn].mean(1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
