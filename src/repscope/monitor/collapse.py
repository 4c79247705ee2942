"""Collapse: when a run has lost what its own first readings had."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

Kind = Literal["complete", "dimensional"]
Point = tuple[int, Mapping[str, float]]
"""A step, and its readings with the variance of the embeddings among them."""

FIRST, PATIENCE = 3, 3
"""Observations that the run is judged against, the most of them; observations in a row that must fall short."""

ROUNDING = 1e-13
"""Share of the embeddings' mean square, or variance of embeddings of length 1, that float32 cannot tell from none."""


@dataclass(frozen=True)
class Fall:
    """A reading under a share of what the run began with.

    Attributes:
        reading: That is looked at.
        share: Of the most of the first readings, under which it has fallen.
        size: What of the reading is compared.
        least: Fallen, whatever it was at first.
    """

    reading: str
    share: float
    size: Callable[[float], float] = float
    least: float = -math.inf

    def known(self, first: Sequence[Mapping[str, float]], now: Mapping[str, float]) -> bool:
        """Whether there is something to compare."""
        return self.reading in now and any(self.reading in each for each in first)

    def was(self, first: Sequence[Mapping[str, float]]) -> float:
        """The most of the first readings, 0 where there are none."""
        return max((each[self.reading] for each in first if self.reading in each), default=0.0)

    def nothing(self, now: Mapping[str, float]) -> bool:
        """Whether what is left is none, whatever there was."""
        return self.reading in now and self.size(now[self.reading]) <= self.least

    def seen(self, first: Sequence[Mapping[str, float]], now: Mapping[str, float]) -> bool:
        """Whether it has fallen from the first readings to now."""
        if self.nothing(now) or not self.known(first, now):
            return self.nothing(now)
        had = self.size(self.was(first))
        return had > 0 and self.size(now[self.reading]) <= self.share * had


def entropy(rank: float) -> float:
    """Of the spectrum: the logarithm of its effective rank, whose floor is 1; to what rounding leaves of it."""
    return round(math.log(rank), 9)


VARIANCE = Fall("variance", 0.1, least=0.0)
ISOTROPY = Fall("isotropy", 0.01, least=ROUNDING)  # of variance: a tenth of the deviation
RANK = Fall("effective_rank", 1 / 3, entropy)
HALF_RANK = Fall("effective_rank", 1 / 2, entropy)


@dataclass(frozen=True)
class Collapse:
    """What has gone, since when, and how far.

    Attributes:
        kind: `complete`: images are told apart no more; `dimensional`: along too few directions.
        step: At which it was seen.
        since: First step of the observations in a row that fell short.
        reading: That fell; `variance` where the embeddings have none, and no direction either.
        was, now: The most of the run's first readings, and what is left.

    >>> str(Collapse("complete", 120, 80, "isotropy", 0.5, 0.002))
    'complete collapse since step 80: isotropy fell from 0.5 to 0.002'
    >>> str(Collapse("complete", 20, 0, "variance", 0.0, 0.0))
    'complete collapse since step 0: variance is 0, as it was at first'
    """

    kind: Kind
    step: int
    since: int
    reading: str
    was: float
    now: float

    def __str__(self) -> str:
        fell = f"fell from {self.was:.3g} to {self.now:.3g}" if self.was else "is 0, as it was at first"
        return f"{self.kind} collapse since step {self.since:,}: {self.reading.replace('_', ' ')} {fell}"


def judged(points: Sequence[Point]) -> Collapse | None:
    """The collapse that these observations of one run, in order of step, end in; None where they do not.

    Fallen short are the last three or more in a row: a healthy run may dip (docs/decisions/0009).

    >>> falling = [(step, {"isotropy": 0.5 / 8**step}) for step in range(7)]
    >>> judged(falling[:5]), judged(falling[:6]).since
    (None, 3)
    """
    first = [readings for _, readings in points[:FIRST]]
    if fallen := _lasting(points, lambda now: _complete(first, now)):
        fall = ISOTROPY if ISOTROPY.reading in fallen[0][1] else VARIANCE
        return _collapse("complete", fall, first, fallen)
    # embeddings without any variance have no rank: they do not end a fall of it
    if fallen := _lasting(points, lambda now: RANK.seen(first, now) or VARIANCE.nothing(now)):
        return _collapse("dimensional", RANK, first, fallen)
    return None


def _complete(first: Sequence[Mapping[str, float]], now: Mapping[str, float]) -> bool:
    """No variance at all; or cosines near 1, and not because a mean grew beside a cloud that is as it was."""
    if VARIANCE.nothing(now) or ISOTROPY.nothing(now):
        return True
    if not ISOTROPY.seen(first, now) or not VARIANCE.known(first, now):
        return ISOTROPY.seen(first, now)
    return VARIANCE.seen(first, now) or HALF_RANK.seen(first, now)


def _lasting(points: Sequence[Point], fallen: Callable[[Mapping[str, float]], bool]) -> list[Point]:
    """The observations in a row that fell short, the last one first; none where they are too few."""
    row = list(takewhile(lambda point: fallen(point[1]), reversed(points)))
    return row if len(row) >= PATIENCE else []


def _collapse(kind: Kind, fall: Fall, first: Sequence[Mapping[str, float]], fallen: Sequence[Point]) -> Collapse:
    now = next(readings[fall.reading] for _, readings in fallen if fall.reading in readings)
    was, now = (x if x > fall.least else 0.0 for x in (fall.was(first), now))
    return Collapse(kind, fallen[0][0], fallen[-1][0], fall.reading, was, now)
