"""Rows: vectors in memory with everything that measurements derive from them, computed once."""

from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.accumulators import Moments
from repscope.errors import UnfitData, UnfitTokens

Array = NDArray[np.float64]


class Rows:
    """Vectors (n, D), or the patches (H, W, D) of one image in raster order, as float64.

    Raises UnfitData for another number of axes or fewer than two rows, UnfitTokens for values
    that are not finite.
    """

    def __init__(self, values: Float[NDArray[np.floating], "... D"]):
        values = np.asarray(values, np.float64)
        if values.ndim not in (2, 3) or not values.size or values.size == values.shape[-1]:
            raise UnfitData(f"Wanted rows (n, D) or patches (H, W, D), two or more; got an array of {values.shape}.")
        if not np.isfinite(values).all():
            raise UnfitTokens(f"{int((~np.isfinite(values)).sum())} of {values.size} numbers are not finite.")
        self.grid = values.shape[:2] if values.ndim == 3 else None
        self.values: Float[Array, "n D"] = np.ascontiguousarray(values.reshape(-1, values.shape[-1]))
        self.kernels: dict[object, Any] = {}  # what measures derive, by the function that does

    def __len__(self) -> int:
        return len(self.values)

    def lightened(self) -> "Rows":
        """The same rows, without what can be derived again from them in no time."""
        light = Rows.__new__(Rows)
        light.grid, light.values = self.grid, self.values
        light.kernels = {key: value for key, value in self.kernels.items() if not isinstance(key, tuple)}
        return light

    @property
    def width(self) -> int:
        return self.values.shape[1]

    @cached_property
    def moments(self) -> Moments:
        return Moments().of(self.values)

    @cached_property
    def norms(self) -> Float[Array, " n"]:
        return np.linalg.norm(self.values, axis=1)

    @cached_property
    def centred(self) -> Float[Array, "n D"]:
        """Rows less their mean; raises UnfitTokens where nothing but rounding is left."""
        centred = self.values - self.values.mean(0)
        if np.linalg.norm(centred) <= 1e-13 * np.linalg.norm(self.values):
            raise UnfitTokens("All rows are alike: nothing varies that could be measured.")
        return centred

    @cached_property
    def gram(self) -> Float[Array, "n n"]:
        """Products of the centred rows."""
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

    @cached_property
    def directions(self) -> Float[Array, "n D"]:
        """Rows of length 1; raises UnfitData where a row has no direction."""
        if none := int((self.norms == 0).sum()):
            raise UnfitData(
                f"{none} of {len(self)} rows {'has' if none == 1 else 'have'} length 0, and so no direction to compare "
                "with those of others. Leave them out, or look at why they are zeros."
            )
        return self.unit

    @cached_property
    def unit_centred(self) -> Float[Array, "n D"]:
        """Centred rows of length 1."""
        return _unit(self.centred)

    @cached_property
    def cosine(self) -> Float[Array, "n n"]:
        return self.unit @ self.unit.T

    def neighbours(self, k: int) -> NDArray[np.intp]:
        """(n, k) the k rows of the largest cosine to each, itself excluded; ties by index."""
        if not 0 < k < len(self):
            raise UnfitData(f"{k} neighbours want more than {k} rows; got {len(self)}.")
        cosine = self.cosine.copy()
        np.fill_diagonal(cosine, -np.inf)
        return np.argsort(-cosine, axis=1, kind="stable")[:, :k]


def _unit(x: Array) -> Array:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def pairs_mean_cosine(unit: Float[Array, "n D"]) -> float:
    """Mean cosine over all pairs of different rows, from rows of length 1."""
    n, total = len(unit), unit.sum(0)
    return float((total @ total - np.square(unit).sum()) / (n * (n - 1)))
