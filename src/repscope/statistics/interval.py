"""Interval: how far a mean over images would move with other images."""

import numpy as np
from numpy.typing import ArrayLike

DRAWS, LEVEL = 2000, 0.95


def interval(values: ArrayLike, seed: int = 0) -> tuple[float, float] | None:
    """Percentile bootstrap interval of the mean, 95 %; None for fewer than two values.

    The values are sorted first, so their order changes nothing. Too narrow for fewer than about ten
    values. Efron and Tibshirani, An introduction to the bootstrap, 1993.

    >>> low, high = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> low < 3 < high
    True
    """
    x = np.sort(np.asarray(values, np.float64))
    if len(x) < 2:
        return None
    drawn = np.random.default_rng(seed).integers(0, len(x), (DRAWS, len(x)))
    low, high = np.quantile(x[drawn].mean(1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
