"""Components: the principal components of a set's embeddings, and what each image has to do with them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData, UnfitTokens
from repscope.statistics import Estimate

Array = NDArray[np.floating]
TOGETHER = 4096


@dataclass(frozen=True, eq=False)
class Components:
    """All principal components of N vectors, in float64.

    Attributes:
        mean: (D,).
        axes: (m, D) rows of length 1, largest variance first, m = min(N - 1, D); the largest weight of each positive.
        spectrum: (m,) variances along them, of N - 1.
        vectors: (N, D) what they are of.
    """

    mean: Float[Array, " D"]
    axes: Float[Array, "m D"]
    spectrum: Float[Array, " m"]
    vectors: Float[Array, "N D"]

    @cached_property
    def shares(self) -> Float[Array, " m"]:
        """Part of the whole variance along each."""
        return self.spectrum / self.spectrum.sum()

    def coordinates(self, count: int = 2, x: Float[Array, "n D"] | None = None) -> Float[Array, "n count"]:
        """Where vectors lie along the first components; those that the components are of, where none are given."""
        x = self.vectors if x is None else x
        return np.concatenate([(some - self.mean) @ self.axes[:count].T for some in _parts(x)])

    def cumulative(self, blocks: Int[NDArray[np.intp], " N"], units: int) -> list[Estimate]:
        """The share of the first 1, 2, ... components, each with what it is without each block.

        Without a block the components turn by little: the first order of that is taken (the infinitesimal jackknife
        of Jaeckel, 1972), so that nothing is decomposed again.
        """
        count = int(blocks.max()) + 1
        along, whole, sizes = np.zeros((count, len(self.axes))), np.zeros(count), np.zeros(count)
        for start in range(0, len(self.vectors), TOGETHER):
            some = self.vectors[start : start + TOGETHER] - self.mean
            block = blocks[start : start + TOGETHER]
            order = np.argsort(block, kind="stable")
            here, first = np.unique(block[order], return_index=True)
            squares = np.square(some @ self.axes.T)
            along[here] += np.add.reduceat(squares[order], first, 0)
            whole[here] += np.add.reduceat(np.square(some).sum(1)[order], first)
            sizes[here] += np.bincount(block, minlength=count)[here]
        total = whole.sum()
        share = np.cumsum(self.shares)
        excess = np.cumsum(along, 1) - share * whole[:, None]
        left = share - excess / (total - whole)[:, None]
        return [Estimate(float(v), each, sizes, units, (0.0, 1.0)) for v, each in zip(share, left.T, strict=True)]


def components(x: Float[Array, "N D"]) -> Components:
    """All principal components, from the smaller of scatter and Gram matrix.

    Raises UnfitData for fewer than two rows, UnfitTokens where nothing but rounding varies.
    """
    if len(x) < 2:
        raise UnfitData(f"Components want 2 images or more; got {len(x)}.")
    mean = x.mean(0, dtype=np.float64)
    count, width = x.shape
    if width < count:
        scatter = sum((some - mean).T @ (some - mean) for some in _parts(x))
        values, axes = np.linalg.eigh(np.asarray(scatter))
        values, axes = values[::-1], axes.T[::-1]
    else:
        centred = x - mean
        values, left = np.linalg.eigh(centred @ centred.T)
        values, left = values[:0:-1], left[:, :0:-1]  # N centred rows span N - 1 dimensions
        axes = left.T @ centred
        length = np.linalg.norm(axes, axis=1, keepdims=True)
        axes = np.divide(axes, length, out=np.zeros_like(axes), where=length > 0)
    values = np.clip(values, 0, None)
    if alike(x) or values.sum() == 0:
        raise UnfitTokens("All embeddings are alike: nothing varies that could be measured.")
    axes = axes * np.where(axes[np.arange(len(axes)), np.abs(axes).argmax(1)] < 0, -1, 1)[:, None]
    return Components(mean, axes, values / (count - 1), x)


def alike(x: Float[Array, "N D"]) -> bool:
    """Whether nothing but rounding varies."""
    spread = max(float(np.abs(some - x[0]).max()) for some in _parts(x))
    return spread <= 1e-6 * float(np.abs(x).max())


def _parts(x: Float[Array, "n D"]) -> list[Float[Array, "b D"]]:
    return [x[start : start + TOGETHER] for start in range(0, len(x), TOGETHER)]
