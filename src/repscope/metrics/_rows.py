"""Rows: vectors in memory with everything that measurements derive from them, computed once."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.accumulators import Moments
from repscope.errors import UnfitData, UnfitTokens

Array = NDArray[np.float64]
MANY, LARGEST = 4096, 16384
"""Rows from which on measures work in blocks; rows whose n x n matrix still takes 2 GB."""


class Rows:
    """Vectors (n, D), or the patches (H, W, D) of one image in raster order; float64 to whoever measures.

    More than 4,096 rows stay as they were given and are looked at in blocks: 50,000 x 1024 float32 would
    take twice their size again in float64, and so would everything derived from them.

    Raises UnfitData for another number of axes or fewer than two rows, UnfitTokens for values
    that are not finite.
    """

    def __init__(self, values: Float[NDArray[np.floating], "... D"]):
        values = np.asarray(values)
        if not np.issubdtype(values.dtype, np.floating):
            values = values.astype(np.float64)
        if values.ndim not in (2, 3) or not values.size or values.size == values.shape[-1]:
            raise UnfitData(f"Wanted rows (n, D) or patches (H, W, D), two or more; got an array of {values.shape}.")
        self.grid = values.shape[:2] if values.ndim == 3 else None
        self.given: Float[NDArray[np.floating], "n D"] = values.reshape(-1, values.shape[-1])
        if not self.many:
            self.given = np.ascontiguousarray(self.given, np.float64)
        if broken := sum(int((~np.isfinite(self.given[where])).sum()) for where in self.parts()):
            raise UnfitTokens(f"{broken} of {values.size} numbers are not finite.")
        self.kernels: dict[object, Any] = {}  # what measures derive, by the function that does

    def __len__(self) -> int:
        return len(self.given)

    def lightened(self) -> "Rows":
        """The same rows, without what can be derived again from them in no time."""
        light = Rows.__new__(Rows)
        light.grid, light.given = self.grid, self.given
        light.kernels = {key: value for key, value in self.kernels.items() if not isinstance(key, tuple)}
        return light

    @property
    def width(self) -> int:
        return self.given.shape[1]

    @property
    def many(self) -> bool:
        """Whether they are too many for n x n matrices and copies in float64."""
        return len(self.given) > MANY

    def parts(self) -> Iterator[slice]:
        """Places of all rows in blocks; one block unless they are many."""
        for start in range(0, len(self), MANY):
            yield slice(start, min(start + MANY, len(self)))

    @property
    def values(self) -> Float[Array, "n D"]:
        """All of them as float64: for many rows a copy, so ask for parts."""
        return np.asarray(self.given, np.float64)

    def at(self, where: slice | NDArray[np.intp]) -> Float[Array, "m D"]:
        """Some of them as float64."""
        return np.asarray(self.given[where], np.float64)

    def unit_at(self, where: slice, centred: bool = False) -> Float[Array, "m D"]:
        """Some of them, of length 1; a row of zeros stays one."""
        return _unit(self.at(where) - self.mean if centred else self.at(where))

    @cached_property
    def moments(self) -> Moments:
        return sum((Moments().of(self.at(where)) for where in self.parts()), Moments())

    @cached_property
    def mean(self) -> Float[Array, " D"]:
        return np.sum([self.at(where).sum(0) for where in self.parts()], 0) / len(self)

    @cached_property
    def norms(self) -> Float[Array, " n"]:
        return np.concatenate([np.linalg.norm(self.at(where), axis=1) for where in self.parts()])

    @cached_property
    def centred_norms(self) -> Float[Array, " n"]:
        """Lengths of rows less their mean; raises UnfitTokens where nothing but rounding is left."""
        found = np.concatenate([np.linalg.norm(self.at(where) - self.mean, axis=1) for where in self.parts()])
        if np.linalg.norm(found) <= 1e-13 * np.linalg.norm(self.norms):
            raise UnfitTokens("All rows are alike: nothing varies that could be measured.")
        return found

    @cached_property
    def centred(self) -> Float[Array, "n D"]:
        """Rows less their mean; raises UnfitTokens where nothing but rounding is left."""
        centred = self.values - self.mean
        if np.linalg.norm(centred) <= 1e-13 * np.linalg.norm(self.values):
            raise UnfitTokens("All rows are alike: nothing varies that could be measured.")
        return centred

    @cached_property
    def gram(self) -> Float[Array, "n n"]:
        """Products of the centred rows."""
        self._square()
        return self.centred @ self.centred.T

    @cached_property
    def squared_distances(self) -> Float[Array, "n n"]:
        """Squared Euclidean distances; what rounding leaves below zero is zero."""
        size = np.diag(self.gram)
        return np.clip(size[:, None] + size - 2 * self.gram, 0, None)

    @cached_property
    def unit(self) -> Float[Array, "n D"]:
        """Rows of length 1; a row of zeros stays one."""
        return _unit(self.values)

    def directed(self) -> None:
        """Raises UnfitData where a row has no direction."""
        if none := int((self.norms == 0).sum()):
            raise UnfitData(
                f"{none} of {len(self)} rows {'has' if none == 1 else 'have'} length 0, and so no direction to compare "
                "with those of others. Leave them out, or look at why they are zeros."
            )

    @cached_property
    def directions(self) -> Float[Array, "n D"]:
        """Rows of length 1; raises UnfitData where a row has no direction."""
        self.directed()
        return self.unit

    @cached_property
    def unit_centred(self) -> Float[Array, "n D"]:
        """Centred rows of length 1."""
        return _unit(self.centred)

    @cached_property
    def cosine(self) -> Float[Array, "n n"]:
        self._square()
        return self.unit @ self.unit.T

    def neighbours(self, k: int) -> NDArray[np.intp]:
        """(n, k) the k rows of the largest cosine to each, itself excluded; ties by index."""
        if not 0 < k < len(self):
            raise UnfitData(f"{k} neighbours want more than {k} rows; got {len(self)}.")
        cosine = self.cosine.copy()
        np.fill_diagonal(cosine, -np.inf)
        return np.argsort(-cosine, axis=1, kind="stable")[:, :k]

    def _square(self) -> None:
        if len(self) > LARGEST:
            raise UnfitData(
                f"{len(self)} rows want a matrix of all their pairs, {8e-9 * len(self) ** 2:.0f} GB; it is made of "
                f"{LARGEST} rows at most. Ask it of a random part of them."
            )


def _unit(x: Array) -> Array:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def pairs_mean_cosine(rows: Rows, centred: bool = False) -> float:
    """Mean cosine over all pairs of different rows, their mean removed first or not."""
    n, total, own = len(rows), np.zeros(rows.width), 0.0
    for where in rows.parts():
        unit = rows.unit_at(where, centred)
        total, own = total + unit.sum(0), own + np.square(unit).sum()
    return float((total @ total - own) / (n * (n - 1)))
