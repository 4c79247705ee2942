"""CrossMoments: how two sets of vectors of the same things vary together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.accumulators.accumulator import Accumulator
from repscope.errors import UnfitData

Array = NDArray[np.float64]


def _none(*shape: int) -> Array:
    return np.zeros(shape)


@dataclass(frozen=True, eq=False)
class CrossMoments(Accumulator):
    """Count, both means and the sum of (x - mean)(y - mean)', merged by the rule of Chan, Golub and LeVeque (1983).

    A row is a vector of the first set with the one of the second behind it.

    Attributes:
        n: Number of pairs.
        split: Width of the first set, D.
        mean: (D + E,) float64.
        cross: (D, E) float64.
    """

    n: int = 0
    split: int = 0
    mean: Float[Array, " DE"] = field(default_factory=lambda: _none(0))
    cross: Float[Array, "D E"] = field(default_factory=lambda: _none(0, 0))

    def of(self, rows: Float[NDArray[np.floating], "n DE"], ids: Sequence[str] = ()) -> "CrossMoments":  # noqa: ARG002
        x = np.asarray(rows, np.float64)
        if x.ndim != 2 or not len(x) or not 0 < self.split < x.shape[1]:
            raise UnfitData(
                f"Cross moments want rows (n, D + E) with D = {self.split}; got an array of shape {x.shape}."
            )
        mean = x.mean(0)
        x = x - mean
        return CrossMoments(len(x), self.split, mean, x[:, : self.split].T @ x[:, self.split :])

    def _merged(self, other: Any) -> "CrossMoments":
        if self.split != other.split or len(self.mean) != len(other.mean):
            raise UnfitData(f"Cross moments of {self.cross.shape} and {other.cross.shape} cannot be added.")
        n, gap = self.n + other.n, other.mean - self.mean
        between = np.outer(gap[: self.split], gap[self.split :]) * (self.n * other.n / n)
        return CrossMoments(n, self.split, self.mean + gap * (other.n / n), self.cross + other.cross + between)

    def covariance(self) -> Float[Array, "D E"]:
        """Unbiased; raises UnfitData for fewer than two pairs."""
        if self.n < 2:
            raise UnfitData(f"A covariance wants 2 rows or more; got {self.n}.")
        return self.cross / (self.n - 1)
