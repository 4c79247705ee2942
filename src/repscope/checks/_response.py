"""Response: how much of what an encoder says is due to the picture, and whether each patch answers for its place."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

PICTURES = 5
"""Pictures in which places are marked, each place in one of them: a token that moves at random is right in a fifth."""

Array = Float[NDArray[np.floating], "B ... D"]


@dataclass(frozen=True)
class Sensitivity:
    """How tokens x[i, p, d] of pictures i at places p move with the picture, m[p, d] their mean over pictures.

    Attributes:
        share: sum (x - m)^2 / sum (x - mean over i and p)^2: of all that varies, what varies with the picture.
        size: The median over d of sqrt(sum_ip (x - m)^2 / sum_ip x^2): beside the size of the numbers themselves. A
            median, for a healthy encoder may hold a few large numbers that never change.
    """

    share: float
    size: float


def sensitivity(tokens: Array) -> Sensitivity:
    """Of at least two pictures' tokens, (B, ..., D). Both are 0 where nothing depends on the picture.

    >>> x = np.array([[[1.0, 5.0], [1.0, 6.0]], [[-1.0, 5.0], [-1.0, 6.0]]])
    >>> sensitivity(x).share, sensitivity(x).size
    (0.8, 0.5)
    """
    x = np.asarray(tokens, np.float64).reshape(len(tokens), -1, tokens.shape[-1])
    moved, whole = x - x.mean(0), x - x.mean((0, 1))
    every = np.square(x).sum((0, 1))
    sizes = np.sqrt(np.divide(np.square(moved).sum((0, 1)), every, out=np.zeros_like(every), where=every > 0))
    total = float(np.square(whole).sum())
    return Sensitivity(float(np.square(moved).sum()) / total if total else 0.0, float(np.median(sizes)))


def dealt(rows: int, columns: int) -> Int[NDArray[np.integer], "H W"]:
    """Every place of a grid in one of PICTURES parts, at random and always the same.

    >>> np.bincount(dealt(4, 5).ravel())
    array([4, 4, 4, 4, 4])
    """
    order = np.random.default_rng(0).permutation(rows * columns)
    return (order % PICTURES).reshape(rows, columns)


def answering(
    before: Float[NDArray[np.floating], "H W D"],
    after: Float[NDArray[np.floating], "B H W D"],
    parts: Int[NDArray[np.integer], "H W"],
) -> NDArray[np.bool_]:
    """(H, W): whether a token moves most in the picture in which its own place was marked, picture b marking part b.

    Each token is its own measure: an outlier that is long, or that anything moves, is no other token's business.
    """
    moved = np.linalg.norm(after.astype(np.float64) - before, axis=-1)
    own = np.take_along_axis(moved, parts[None], 0)[0]
    others = np.where(np.arange(len(moved))[:, None, None] == parts, -np.inf, moved).max(0)
    return own > others
