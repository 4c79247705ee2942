"""Silhouette: is an image nearer to its own class than to the next one?"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.report import Null
from repscope.statistics import Estimate

Array = NDArray[np.floating]
Codes = Int[NDArray[np.intp], " N"]
BLOCK = 1 << 24
"""Distances held at once."""
PARTS = 4000
"""Classes times blocks."""
COLUMNS, FEWEST, MOST = 500, 19, 99
"""Permutations of labels: as many as make this many columns, at least and at most."""


def silhouette(
    x: Float[Array, "N D"], codes: Codes, blocks: Codes, units: int, *, cosine: bool = False, seed: int = 0
) -> tuple[Estimate, Null]:
    """Mean of (b - a) / max(a, b), and what permuted labels give: exact over all pairs of images.

    a is the mean distance to the others of the image's class, b that to the nearest other class; 0 where the class
    has one image. Distances are Euclidean, as scikit-learn's `silhouette_score` takes them, or 1 - cosine. Rousseeuw,
    Silhouettes, Journal of Computational and Applied Mathematics 1987. Memory is that of a block of
    distances.

    Args:
        codes: The class of each image, 0 to C - 1, each with one image or more.
        blocks: The block each image is left out with.
    """
    blocks = blocks % max(PARTS // (int(codes.max()) + 1), FEWEST)  # blocks together, where there are many classes
    order = np.lexsort((blocks, codes))  # neighbours in the order are of one class and block
    x, codes, blocks = x[order], codes[order], blocks[order]
    classes, count = int(codes.max()) + 1, int(blocks.max()) + 1
    generator = np.random.default_rng(seed)
    drawn = np.stack([generator.permutation(codes) for _ in range(_draws(classes))])
    summed = _Summed(codes, blocks, drawn)
    together = max(BLOCK // max(len(x), classes * count), 1)
    rows = _Cosines(x) if cosine else _Distances(x)
    for start in range(0, len(x), together):
        summed.take(rows.between(start, min(start + together, len(x))), start)
    sizes = np.bincount(blocks, minlength=count).astype(np.float64)
    estimate = Estimate(summed.whole / len(x), summed.left / (len(x) - sizes), sizes, units, (-1.0, 1.0))
    draws = summed.drawn / len(x)
    p = float((1 + (draws >= estimate.value).sum()) / (1 + len(draws)))
    return estimate, Null("permutation", float(draws.mean()), float(np.quantile(draws, 0.95)), p, len(draws))


def _draws(classes: int) -> int:
    return int(np.clip(COLUMNS // classes, FEWEST, MOST))


class _Distances:
    """Euclidean distances, float32 products of centred rows at a size of about 1."""

    def __init__(self, x: Float[Array, "N D"]):
        x = x.astype(np.float64) - x.mean(0, dtype=np.float64)
        self.x = (x / (np.sqrt(np.square(x).sum(1).mean()) or 1.0)).astype(np.float32)
        self.squares = np.square(self.x, dtype=np.float64).sum(1).astype(np.float32)

    def between(self, start: int, stop: int) -> Float[Array, "b N"]:
        import torch

        found = torch.from_numpy(self.x[start:stop]) @ torch.from_numpy(self.x).T
        found.mul_(-2).add_(torch.from_numpy(self.squares))
        found.add_(torch.from_numpy(self.squares[start:stop, None])).clamp_(min=0).sqrt_()
        found[torch.arange(stop - start), torch.arange(start, stop)] = 0
        return found.numpy()


class _Cosines:
    """1 - cosine; a row of zeros is at 1 from all others."""

    def __init__(self, x: Float[Array, "N D"]):
        from repscope.nearest import unit

        self.x = unit(x)

    def between(self, start: int, stop: int) -> Float[Array, "b N"]:
        import torch

        found = torch.from_numpy(self.x[start:stop]) @ torch.from_numpy(self.x).T
        found.neg_().add_(1)
        found[torch.arange(stop - start), torch.arange(start, stop)] = 0
        return found.numpy()


@dataclass(eq=False)
class _Summed:
    """Sums of silhouettes: of all, without each block, and under each permutation of labels."""

    codes: Codes
    blocks: Codes
    permuted: Int[NDArray[np.intp], "R N"]
    whole: float = 0.0
    left: Float[NDArray[np.float64], " B"] = field(init=False)
    drawn: Float[NDArray[np.float64], " R"] = field(init=False)

    def __post_init__(self) -> None:
        self.classes, self.count = int(self.codes.max()) + 1, int(self.blocks.max()) + 1
        self.left, self.drawn = np.zeros(self.count), np.zeros(len(self.permuted))
        keys = self.codes * self.count + self.blocks
        self.keys, self.first = np.unique(keys, return_index=True)
        self.sizes = np.bincount(self.codes, minlength=self.classes)
        self.parts = np.bincount(keys, minlength=self.classes * self.count).reshape(self.classes, self.count)

    def take(self, distances: Float[Array, "b N"], start: int) -> None:
        rows = np.arange(start, start + len(distances))
        parts = np.zeros((len(rows), self.classes * self.count))
        parts[:, self.keys] = np.add.reduceat(distances, self.first, axis=1)
        parts = parts.reshape(len(rows), self.classes, self.count)
        sums = parts.sum(2)
        self.whole += float(_scores(sums, self.sizes, self.codes[rows]).sum())
        for each in range(self.count):
            kept = self.blocks[rows] != each
            scores = _scores((sums - parts[:, :, each])[kept], self.sizes - self.parts[:, each], self.codes[rows][kept])
            self.left[each] += float(scores.sum())
        self._permute(distances, rows)

    def _permute(self, distances: Float[Array, "b N"], rows: Codes) -> None:
        import torch

        # a few at a time: the columns of all would be as many as the distances
        for begin in range(0, len(self.permuted), max(COLUMNS // self.classes, 1)):
            some = self.permuted[begin : begin + max(COLUMNS // self.classes, 1)]
            columns = np.zeros((len(self.codes), len(some) * self.classes), np.float32)
            for place, codes in enumerate(some):
                columns[np.arange(len(codes)), place * self.classes + codes] = 1
            sums = (torch.from_numpy(distances) @ torch.from_numpy(columns)).numpy().astype(np.float64)
            for place, codes in enumerate(some):
                here = sums[:, place * self.classes : (place + 1) * self.classes]
                self.drawn[begin + place] += float(_scores(here, self.sizes, codes[rows]).sum())


def _scores(
    sums: Float[Array, "b C"], sizes: Int[NDArray[np.intp], " C"], codes: Int[NDArray[np.intp], " b"]
) -> Float[Array, " b"]:
    """The silhouette of each row, from its sums of distances to each class."""
    here = np.arange(len(codes))
    means = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
    others = np.maximum(sizes[codes] - 1, 1)
    own = sums[here, codes] / others
    means[here, codes] = np.inf
    near = means.min(1)
    largest = np.maximum(own, near)
    known = (sizes[codes] > 1) & np.isfinite(near) & (largest > 0)
    return np.divide(near - own, largest, out=np.zeros(len(codes)), where=known)
