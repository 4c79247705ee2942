"""Reservoir: a sample of fixed size that does not depend on the order of arrival."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt64
from numpy.typing import NDArray

from repscope.accumulators.accumulator import Accumulator
from repscope.errors import UnfitData


def hashed(name: str) -> int:
    """A number from a name, as good as drawn, and the same everywhere."""
    return int.from_bytes(hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=8).digest(), "big")


@dataclass(frozen=True, eq=False)
class Reservoir(Accumulator):
    """The `size` rows whose ids hash lowest (bottom-k sampling).

    The same ids are kept whatever the split over batches and workers, and the same for every
    encoder, so the reservoirs of two encoders are already paired. A row may be of any shape: a
    vector, or the patch grid of a photo.

    Attributes:
        n: Rows seen.
        size: Rows kept at most.
        priority: (k,) hashes, ascending.
        rows: (k, ...) the rows themselves, k <= size.
    """

    n: int = 0
    size: int = 512
    priority: UInt64[NDArray[np.uint64], " k"] = field(default_factory=lambda: np.zeros(0, np.uint64))
    rows: Shaped[NDArray[Any], "k ..."] = field(default_factory=lambda: np.zeros((0, 0)))

    def of(self, rows: NDArray[Any], ids: Sequence[str] = ()) -> "Reservoir":
        if len(ids) != len(rows):
            raise UnfitData(f"A reservoir wants an id for every row; got {len(rows)} rows and {len(ids)} ids.")
        return self._lowest(len(rows), np.array([hashed(name) for name in ids], np.uint64), np.asarray(rows))

    def _merged(self, other: Any) -> "Reservoir":
        if self.rows.shape[1:] != other.rows.shape[1:]:
            raise UnfitData(f"Rows of shape {self.rows.shape[1:]} and {other.rows.shape[1:]} cannot be added.")
        priority = np.concatenate([self.priority, other.priority])
        return self._lowest(self.n + other.n, priority, np.concatenate([self.rows, other.rows]))

    def _lowest(self, n: int, priority: NDArray[np.uint64], rows: NDArray[Any]) -> "Reservoir":
        kept = np.argsort(priority, kind="stable")[: self.size]
        return Reservoir(n, self.size, priority[kept], rows[kept])
