"""Quiet: which rounds count, and ratios of what ran in one round."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SLOWER = 1.3
"""A round before which the fixed product took more than so many times its best is dropped."""
LOADED = 0.7
"""Of the load average before the first round, on each core: above it something else is at work."""


@dataclass(frozen=True)
class Ratio:
    """Median and range of ratios, each of two times of one round; None where no round has both."""

    median: float
    least: float
    most: float
    rounds: int

    def __str__(self) -> str:
        if self.rounds == 1:
            return f"{self.median:.2f} (one round)"
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


def kept(fixed: Sequence[float], best: float | None = None) -> list[bool]:
    """For each round whether it counts, by the seconds of the fixed product before it.

    >>> kept([0.010, 0.011, 0.014])
    [True, True, False]
    """
    least = min(fixed) if best is None else best
    return [seconds <= SLOWER * least for seconds in fixed]


def ratio(rounds: Sequence[Mapping[str, float]], over: str, under: str) -> Ratio | None:
    """The times of one over those of another, round by round; rounds that lack one of them are left out.

    >>> str(ratio([{"a": 2.0, "b": 1.0}, {"a": 3.0, "b": 1.0}, {"a": 9.0}], "a", "b"))
    '2.50 (2.00 to 3.00)'
    """
    found = sorted(each[over] / each[under] for each in rounds if over in each and under in each)
    if not found:
        return None
    return Ratio(statistics.median(found), found[0], found[-1], len(found))


def median(rounds: Sequence[Mapping[str, float]], name: str) -> float | None:
    """The median of one time over the rounds that have it."""
    found = [each[name] for each in rounds if name in each]
    return statistics.median(found) if found else None


def noisy(load: float, cores: int) -> bool:
    """Whether the load average says that something else is at work."""
    return load > LOADED * cores
