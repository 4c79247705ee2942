"""Vectors: the rows of a search, in float64 a few at a time."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitTokens
from repscope.nearest.threads import shared

Array = NDArray[np.float64]
Rows = NDArray[np.floating]
Places = Int[NDArray[np.intp], " c"]
Where = slice | NDArray[np.intp]
TOGETHER = 256
"""Rows worked on at once: they stay in a core's cache."""


def blocks(count: int, together: int = TOGETHER) -> list[slice]:
    """Slices of this many rows that make up all of them."""
    return [slice(start, min(start + together, count)) for start in range(0, count, together)]


class Vectors:
    """Rows less a mean, each times a factor; never more than a few of them in float64 at once.

    Raises UnfitTokens for numbers that are not finite, or whose squares are not.
    """

    def __init__(self, rows: Float[Rows, "n D"], mean: Float[Array, " D"] | None = None):
        self.rows, self.mean = rows, mean
        self.factor: Float[Array, " n"] = np.ones(len(rows))
        self.length: Float[Array, " n"] = np.empty(len(rows))
        shared(self._measure, blocks(len(rows)))
        if broken := int((~np.isfinite(self.length)).sum()):
            raise UnfitTokens(
                f"{broken} of {len(rows)} rows hold numbers that are not finite, or have no finite length."
            )

    def _measure(self, where: slice) -> None:
        x = self.at(where)
        with np.errstate(over="ignore", invalid="ignore"):
            self.length[where] = np.sqrt(np.einsum("ij,ij->i", x, x))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def width(self) -> int:
        return self.rows.shape[1]

    def unit(self) -> "Vectors":
        """The same vectors, of length 1; one of length 0 stays as it is."""
        self.factor = np.divide(1, self.length, out=np.zeros(len(self)), where=self.length > 0)
        return self

    def scaled(self, factor: float) -> "Vectors":
        self.factor = np.full(len(self), factor)
        return self

    def at(self, where: Where) -> Float[Array, "m D"]:
        """Those at some places; the bits of one never depend on the others."""
        x = self.rows[where].astype(np.float64)
        if self.mean is not None:
            x -= self.mean
        x *= self.factor[where, None]
        return x

    def products(self, places: Places, vectors: Float[Array, "m D"], begin: Places) -> Float[Array, " c"]:
        """Of rows begin[i] to begin[i + 1] of these with vector i; the bits of one never depend on the others."""
        x, found = self.rows.take(places, 0).astype(np.float64), np.empty(len(places))
        if self.mean is not None:
            x -= self.mean
        for vector, start, stop in zip(vectors, begin[:-1].tolist(), begin[1:].tolist(), strict=True):
            np.einsum("ij,j->i", x[start:stop], vector, out=found[start:stop])
        return found * self.factor[places]

    def squared_gaps(self, places: Places, vectors: Float[Array, "m D"], begin: Places) -> Float[Array, " c"]:
        """Squared distances, in the same way, from vectors as they were given: no mean has rounded them."""
        gap = self.rows.take(places, 0).astype(np.float64)
        gap -= np.repeat(vectors, np.diff(begin), 0)
        gap *= self.factor[places, None]
        return np.einsum("ij,ij->i", gap, gap)


def mean_of(rows: Float[Rows, "n D"]) -> Float[Array, " D"]:
    """Their mean, summed in float64."""
    return np.sum([rows[where].sum(0, dtype=np.float64) for where in blocks(len(rows), 4096)], 0) / len(rows)
