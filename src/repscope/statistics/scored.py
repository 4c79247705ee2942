"""Scored: a score of each image asked about, and how it changes where others are left out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = Int[NDArray[np.intp], " n"]


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores that an estimate is the mean of.

    Attributes:
        scores: (n,) of each image.
        blocks: (n,) the block it is left out with itself.
        owners: (n,) its group; its own where there are none.
        changes: (n, B) what leaving out each block of the images that it was judged by adds to its score, 0 where
            it is left out itself; (n, 0) where these stay as they are.
    """

    scores: Float[Array, " n"]
    blocks: Places
    owners: Places
    changes: Float[NDArray[np.floating], "n B"]

    def left(self, count: int) -> Float[Array, " B"]:
        """The mean without each of this many blocks; nan where nothing is left."""
        sizes = np.bincount(self.blocks, minlength=count)
        sums = self.scores.sum() - np.bincount(self.blocks, self.scores, minlength=count)
        if self.changes.shape[1]:
            sums = sums + self.changes.sum(0, dtype=np.float64)
        rest = len(self.scores) - sizes
        return np.divide(sums, rest, out=np.full(count, np.nan), where=rest > 0)

    @property
    def alone(self) -> float:
        """Variance of the mean by the images (groups) asked about alone; those that they are judged by stay."""
        return _variance(self.owners, self.scores)

    @property
    def excess(self) -> float:
        """What a jackknife over blocks counts too much of the variance, or too roughly.

        A block left out turns this score up and that one down. What these single changes would add if none had to do
        with another's is counted beside the scores' own spread, which holds it already; only that many scores
        change together is of the block. The scores' own spread is known better by images than by blocks.
        """
        count = self.changes.shape[1]
        rough = _variance(self.blocks, self.scores) - self.alone
        if count < 2:
            return rough
        _, owner = np.unique(self.owners, return_inverse=True)
        together = self.changes
        if len(owner) > owner.max() + 1:
            together = np.zeros((owner.max() + 1, count))
            np.add.at(together, owner, self.changes)
        single = float(np.square(together, dtype=np.float64).sum()) / len(self.scores) ** 2
        return rough + single * count / (count - 1)

    def less(self, other: "Scored", weight: float = 1.0) -> "Scored":
        """The scores less those of the same images times a weight."""
        return Scored(
            self.scores - weight * other.scores, self.blocks, self.owners, self.changes - weight * other.changes
        )

    def times(self, scale: float) -> "Scored":
        """The scores times a number."""
        return Scored(scale * self.scores, self.blocks, self.owners, scale * self.changes)


def _variance(parts: Places, scores: Float[Array, " n"]) -> float:
    """Variance of a mean of scores that vary together within parts."""
    _, part = np.unique(parts, return_inverse=True)
    count = int(part.max()) + 1
    sums = np.bincount(part, scores - scores.mean(), minlength=count)
    return float(np.square(sums).sum()) / len(scores) ** 2 * count / max(count - 1, 1)
