"""The contract that every accumulator keeps; `tests/accumulators` holds each one to it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class Accumulator(ABC):
    """A commutative monoid over batches; a dataclass of arrays and settings.

    Attributes:
        n: How many rows it has seen.
    """

    n: int

    @abstractmethod
    def of(self, rows: NDArray[Any], ids: Sequence[str] = ()) -> Self:
        """The accumulator of these rows alone, with my settings."""

    @abstractmethod
    def _merged(self, other: Any) -> Self:
        """The accumulator of both; neither is empty."""

    def __add__(self, other: Any) -> Self:
        if type(other) is not type(self):
            return NotImplemented  # pyright: ignore[reportReturnType]
        if not other.n:
            return self
        return self._merged(other) if self.n else other

    def __radd__(self, other: int) -> Self:
        return self if other == 0 else NotImplemented  # pyright: ignore[reportReturnType]  for sum(parts)

    def state(self) -> dict[str, NDArray[Any]]:
        """Arrays enough to rebuild it: what goes to disk or over the wire."""
        return {f.name: np.array(getattr(self, f.name)) for f in fields(self) if f.init}  # pyright: ignore[reportArgumentType]

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> Self:
        return cls(**{name: value.copy() if value.ndim else value.item() for name, value in state.items()})
