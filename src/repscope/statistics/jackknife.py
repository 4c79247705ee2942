"""Jackknife: how far a value that is no mean of images would move with other images."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from repscope.accumulators.reservoir import priority_of
from repscope.statistics.interval import LEVEL

GROUPS = 10

Places = Int[NDArray[np.intp], " m"]


def _by_hash(ids: Sequence[str]) -> Places:
    return np.argsort(np.array([priority_of(name) for name in ids], np.uint64), kind="stable")


def lowest(ids: Sequence[str], size: int) -> Places:
    """Places of the `size` ids that hash lowest, ascending: the rows a Reservoir keeps; all where there are no more."""
    return np.sort(_by_hash(ids)[:size])


def groups(ids: Sequence[str], count: int = GROUPS) -> tuple[Places, ...]:
    """Places dealt into groups of one size (or one less) by the hash of their ids; another order deals them alike.

    >>> [sorted(len(each) for each in groups(list("abcdefghijk"), 3))]
    [[3, 4, 4]]
    """
    order = _by_hash(ids)
    return tuple(np.sort(order[start::count]) for start in range(min(count, len(order))))


def jackknife(value: float, without: Sequence[float], share: float = 1.0) -> tuple[float, float]:
    """Interval of a value from the values without one group each: delete-a-group jackknife, 95 %.

    value +- t sqrt(share (G - 1) / G sum (v_g - mean v)^2), t of G - 1 degrees of freedom. No image is
    in a sample twice, as it is in a bootstrap's, where it would be its own nearest neighbour and its own
    kernel's largest entry: neighbour measures and debiased CKA are off there. Groups of many images each
    also serve counts and medians, for which leaving out one by one fails. Misleads where
    images come in clusters that the groups cut (frames of one video), or the value sits at the end of its range.
    Quenouille, 1956; Shao and Wu, A general theory for jackknife variance estimation, 1989; Kott, The delete-a-group
    jackknife, 2001.

    Args:
        without: One value for each group that was left out.
        share: Of the images that the values are of, where the interval is wanted for more of them: the
            variance falls as one over their number.

    >>> low, high = jackknife(2.0, [1.9, 2.0, 2.1])
    >>> round(low, 3), round(high, 3)
    (1.503, 2.497)
    """
    from scipy.stats import t

    v = np.asarray(without, np.float64)
    count = len(v)
    deviation = np.sqrt(share * (count - 1) / count * np.square(v - v.mean()).sum())
    half = float(t.ppf((1 + LEVEL) / 2, count - 1) * deviation)
    return value - half, value + half
