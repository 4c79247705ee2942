"""Partition: how much of a variance lies between groups, exactly, with a null of shuffled groups."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.report import Null
from repscope.statistics import permutations
from repscope.statistics.interval import DRAWS, LEVEL

Array = NDArray[np.float64]
SOURCES: tuple[str, ...] = ("objective", "condition", "both", "seed")
SHUFFLES = 999


@dataclass(frozen=True)
class Partition:
    """Shares of a variance, which sum to 1.

    Attributes:
        shares: By source: `objective`, `condition`, `both` (how differently conditions act on
            objectives) and `seed` (what runs alike in both still differ by).
        intervals: Of each share, over photos: 95 %, runs as they are; None for one photo.
        null: Of the objective's share: runs of one condition and seed dealt to objectives at random.
    """

    shares: dict[str, float]
    intervals: dict[str, tuple[float, float] | None]
    null: Null


def partition(values: Float[Array, "a b s photos"], seed: int = 0) -> Partition:
    """The variance of runs' means over photos, by objective (a), condition (b) and seed (s).

    Sums of squares of a balanced design: SS = b s sum (m_a - m)^2 + a s sum (m_b - m)^2 +
    s sum (m_ab - m_a - m_b + m)^2 + sum (x - m_ab)^2, each over their sum. Runs of one condition and
    seed share images, initialisation and order, so the null deals objectives among these alone: it
    is of objectives that do nothing at all, and the share sees what they do on all conditions alike.
    With nothing to find the objective's share is not 0 but is expected at (a - 1) / (b s) times the
    sum of those blocks' variances over the whole sum: the null's `chance`.

    What P photos leave undecided of each run's mean is in the shares too: a P-th of the variance of
    run x photo in `seed`, and of objective x photo in `objective`. The null is of these photos. Raises
    UnfitData for
    fewer than two objectives or seeds, and where all runs are alike.

    >>> x = np.zeros((3, 1, 2, 1)); x[0] = 1
    >>> round(partition(x).shares["objective"], 6)
    1.0
    """
    a, _, s, photos = values.shape
    if a < 2 or s < 2:
        raise UnfitData(f"A partition wants two objectives and two seeds or more; got {a} and {s}.")
    means = values.mean(-1)
    if np.ptp(means) <= 1e-12 * np.abs(means).max():
        raise UnfitData("All runs have the same value: there is no variance to part.")
    found = dict(zip(SOURCES, map(float, _shares(means[None])[0]), strict=True))
    intervals = _intervals(values, seed) if photos > 1 else dict.fromkeys(SOURCES)
    return Partition(found, intervals, _null(means, found["objective"], seed))


def least_p(a: int, b: int, s: int) -> float:
    """Under what p no null of dealt objectives can come: 1 over the ways to deal them that differ.

    >>> least_p(2, 1, 2), least_p(3, 1, 3) < 0.05
    (0.5, True)
    """
    return 1 / math.factorial(a) ** (b * s - 1)


def dealt(shape: tuple[int, int, int], seed: int = 0) -> Int[NDArray[np.intp], "R a b s"]:
    """Which objective's run each takes the place of, drawn for every condition and seed by itself."""
    a, b, s = shape
    orders = permutations(a, SHUFFLES * b * s, seed)
    return np.moveaxis(orders.reshape(SHUFFLES, b, s, a), -1, 1)


def _intervals(values: Float[Array, "a b s photos"], seed: int) -> dict[str, tuple[float, float] | None]:
    photos = values.shape[-1]
    drawn = np.random.default_rng(seed).integers(0, photos, (DRAWS, photos))
    counts = np.stack([np.bincount(draw, minlength=photos) for draw in drawn]) / photos
    resampled = _shares(np.moveaxis(values @ counts.T, -1, 0))
    ends = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {name: (float(ends[0, k]), float(ends[1, k])) for k, name in enumerate(SOURCES)}


def _shares(x: Float[Array, "R a b s"]) -> Float[Array, "R 4"]:
    """The four shares of each of R sets of runs; what is under 1e-12 is rounding, and 0."""
    _, a, b, s = x.shape
    whole = x.mean((1, 2, 3), keepdims=True)
    by_a, by_b, by_both = (x.mean(axes, keepdims=True) for axes in ((2, 3), (1, 3), (3,)))
    parts = (
        b * s * np.square(by_a - whole).sum((1, 2, 3)),
        a * s * np.square(by_b - whole).sum((1, 2, 3)),
        s * np.square(by_both - by_a - by_b + whole).sum((1, 2, 3)),
        np.square(x - by_both).sum((1, 2, 3)),
    )
    total = np.square(x - whole).sum((1, 2, 3))
    shares = np.stack(parts, 1) / np.where(total > 0, total, 1)[:, None]
    return np.where(shares < 1e-12, 0, shares)


def _null(means: Float[Array, "a b s"], share: float, seed: int) -> Null:
    a, b, s = means.shape
    draws = _shares(np.take_along_axis(means[None], dealt(means.shape, seed), axis=1))[:, 0]
    expected = (a - 1) / (b * s) * means.var(0, ddof=1).sum() / np.square(means - means.mean()).sum()
    return shuffled(share, draws, float(expected))


def shuffled(value: float, draws: Float[Array, " R"], chance: float | None = None) -> Null:
    """The null of a value from dealt objectives; draws that equal it to rounding count as reaching it."""
    p = float((1 + (draws >= value - 1e-12).sum()) / (1 + len(draws)))
    edge = float(np.quantile(draws, 0.95))
    return Null("shuffled objectives", float(draws.mean()), edge, p, len(draws), chance=chance)
