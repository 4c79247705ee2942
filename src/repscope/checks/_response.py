"""Response: how much of what an encoder says is due to the picture, and whether each patch answers for its place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

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


def places(side: int) -> list[tuple[int, int]]:
    """Five places (row, column) of a square grid: whatever turns, mirrors or shifts it moves most of them.

    >>> places(16)
    [(0, 4), (4, 0), (4, 13), (0, 15), (15, 0)]
    """
    near, last = max(1, side // 4), side - 1
    return [(0, near), (near, 0), (near, last - near // 2), (0, last), (last, 0)]


def answered(
    before: Float[NDArray[np.floating], "H W D"],
    after: Float[NDArray[np.floating], "B H W D"],
    marks: Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    """Where the token moved most, relative to its length, after each mark was made."""
    moved = np.linalg.norm(after.astype(np.float64) - before, axis=-1)
    lengths = np.maximum(np.linalg.norm(before.astype(np.float64), axis=-1), np.finfo(np.float64).tiny)
    return [
        tuple(map(int, np.unravel_index(int((each / lengths).argmax()), each.shape))) for each in moved[: len(marks)]
    ]  # type: ignore[misc]
