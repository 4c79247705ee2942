"""Collapse: when a run has lost what its own first readings had."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["complete", "dimensional"]
Point = tuple[int, Mapping[str, float]]
"""A step and its readings."""

FIRST, PATIENCE = 3, 3
"""Observations that the run is judged against, the most of them; observations in a row that must fall short."""

ROUNDING = 1e-13
"""Variance of embeddings of length 1 that float32 cannot tell from none."""


@dataclass(frozen=True)
class Rule:
    """A reading that may not fall under a share of what the run began with.

    Attributes:
        kind: Of collapse that it calls.
        reading: That it looks at.
        size: What of the reading is compared.
        share: Of the first readings' most, under which it has fallen.
        least: Fallen, whatever it was at first.
    """

    kind: Kind
    reading: str
    size: Callable[[float], float]
    share: float
    least: float


RULES = (
    Rule("complete", "isotropy", float, 0.01, ROUNDING),  # of variance: a tenth of the deviation
    Rule("dimensional", "effective_rank", math.log, 1 / 3, 0.0),  # the logarithm: 1 is the floor of a rank
)


@dataclass(frozen=True)
class Collapse:
    """What has gone, since when, and how far.

    Attributes:
        kind: `complete`: images are told apart no more; `dimensional`: along too few directions.
        step: At which it was seen.
        since: First step of the observations in a row that fell short.
        reading: That fell.
        was, now: The most of the run's first readings, and what is left.

    >>> str(Collapse("complete", 120, 80, "isotropy", 0.5, 0.002))
    'complete collapse since step 80: isotropy fell from 0.5 to 0.002'
    """

    kind: Kind
    step: int
    since: int
    reading: str
    was: float
    now: float

    def __str__(self) -> str:
        name = self.reading.replace("_", " ")
        return f"{self.kind} collapse since step {self.since:,}: {name} fell from {self.was:.3g} to {self.now:.3g}"


def judged(points: Sequence[Point]) -> Collapse | None:
    """The collapse that these observations of one run, in order of step, end in; None where they do not.

    Fallen short are the last three or more in a row: a healthy run may dip (docs/decisions/0009).

    >>> falling = [(step, {"isotropy": 0.5 / 8**step}) for step in range(7)]
    >>> judged(falling[:5]), judged(falling[:6]).since
    (None, 3)
    """
    return next((found for rule in RULES if (found := _by(rule, points))), None)


def _by(rule: Rule, points: Sequence[Point]) -> Collapse | None:
    first = [each[rule.reading] for _, each in points[:FIRST] if rule.reading in each]
    was = max(first, default=0.0)
    edge = max(rule.share * rule.size(was), rule.least) if first else rule.least
    fallen: list[tuple[int, float]] = []
    for step, readings in reversed(points):
        value = readings.get(rule.reading)
        if value is None or rule.size(value) > edge or (value == was and value > rule.least):
            break
        fallen.append((step, value))
    if len(fallen) < PATIENCE:
        return None
    return Collapse(rule.kind, fallen[0][0], fallen[-1][0], rule.reading, was, fallen[0][1])
