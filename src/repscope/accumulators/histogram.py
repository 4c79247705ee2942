"""Histogram: how many lengths lie where, on a scale that is the same for every encoder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.accumulators.accumulator import Accumulator
from repscope.errors import UnfitData

LOWEST, OCTAVES, EACH = -20, 40, 16
"""From 2^-20 to 2^20, sixteen bins to a doubling: each 4.4 % wide, whatever an encoder's scale."""


@dataclass(frozen=True, eq=False)
class Histogram(Accumulator):
    """Counts of positive numbers in bins of equal ratio; exact, so any split adds up to the same counts.

    Attributes:
        n: Numbers seen.
        counts: (bins + 2,) the first of what lies below the lowest edge, the last of what lies above the highest.
    """

    n: int = 0
    counts: Int[NDArray[np.int64], " bins"] = field(default_factory=lambda: np.zeros(OCTAVES * EACH + 2, np.int64))

    @staticmethod
    def edges() -> Float[NDArray[np.float64], " edges"]:
        """The bins + 1 borders between bins."""
        return 2.0 ** (LOWEST + np.arange(OCTAVES * EACH + 1) / EACH)

    def of(self, rows: Float[NDArray[np.floating], " n"], ids: Sequence[str] = ()) -> "Histogram":  # noqa: ARG002
        x = np.asarray(rows, np.float64)
        if x.ndim != 1 or not (x >= 0).all():
            raise UnfitData(
                f"A histogram of lengths wants numbers (n,), none below 0; got an array of shape {x.shape}."
            )
        places = np.searchsorted(self.edges(), x, side="right")
        return Histogram(len(x), np.bincount(places, minlength=len(self.counts)).astype(np.int64))

    def _merged(self, other: Any) -> "Histogram":
        return Histogram(self.n + other.n, self.counts + other.counts)

    def quantile(self, share: float) -> float:
        """The upper edge of the bin that a share of the numbers does not pass: right to 4.4 %.

        Raises UnfitData where no number was seen.

        >>> import numpy as np
        >>> round(Histogram().of(np.full(9, 3.0)).quantile(0.5), 1)
        3.1
        """
        if not self.n:
            raise UnfitData("A quantile wants one number or more; none was seen.")
        place = int(np.searchsorted(np.cumsum(self.counts), share * self.n))
        return float(self.edges()[min(place, OCTAVES * EACH)])
