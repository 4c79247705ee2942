"""Observation: what the monitor saw at one step."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from repscope.errors import UnknownName
from repscope.monitor.collapse import Collapse
from repscope.monitor.neighbours import Votes


@dataclass(frozen=True)
class Observation:
    """Readings of the held-out images at one step.

    Attributes:
        step: Of training.
        images: How many were looked at.
        width: Of their embeddings.
        readings: By the metric's name, float64. What cannot be computed is in `missing`.
        missing: Why a reading is not there, by its name.
        votes: Of the nearest neighbours, each image left out in turn; None without labels.
        collapse: What the run has lost; None while it is well.
        variance: Mean squared distance of the embeddings from their mean, as they are; 0 where float32
            cannot tell it from none. None where a saved state does not have it.

    >>> seen = Observation(100, 256, 64, {"effective_rank": 12.5}, votes=Votes(128, 256, 255, 10, 20))
    >>> seen["effective_rank"], seen["knn_accuracy"]
    (12.5, 0.5)
    """

    step: int
    images: int
    width: int
    readings: Mapping[str, float]
    missing: Mapping[str, str] = field(default_factory=dict)
    votes: Votes | None = None
    collapse: Collapse | None = None
    variance: float | None = None

    def __getitem__(self, name: str) -> float:
        """One number; raises UnknownName with the reason where it is not there."""
        numbers = self.numbers()
        if name not in numbers:
            raise UnknownName(f"reading of step {self.step}", name, [*numbers, *self.missing])
        return numbers[name]

    def numbers(self) -> dict[str, float]:
        """Every number by its name, flat, for a log."""
        if self.votes is None:
            return dict(self.readings)
        low, high = self.votes.interval
        return {**self.readings, "knn_accuracy": self.votes.accuracy, "knn_low": low, "knn_high": high}

    def evidence(self) -> dict[str, float]:
        """What a collapse is judged by: the readings, and the variance beside them."""
        return {**self.readings, **({} if self.variance is None else {"variance": self.variance})}

    def state(self) -> dict[str, Any]:
        """Plain values, enough to rebuild it."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Observation":
        values = dict(state)
        for name, kind in (("votes", Votes), ("collapse", Collapse)):
            values[name] = kind(**values[name]) if values[name] is not None else None
        return cls(**values)
