"""Blocks: images dealt into parts that can be left out, whole groups together."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

MOST = 200
"""Parts: with so many an error is known to a twentieth of itself."""


def blocks(
    ids: Sequence[str], groups: Sequence[str] | None = None, sides: Sequence[int] | None = None, seed: int = 0
) -> Int[NDArray[np.intp], " N"]:
    """The number of the block of each image; blocks are of nearly equal size, on each side by itself.

    Images are dealt in the order of their ids, so the order in which they are given changes nothing.

    Args:
        ids: A name for each image, unlike each other.
        groups: Images of one group come into one block.
        sides: Training or test, say: each is dealt over all blocks.

    >>> blocks(["a", "b", "c", "d"], groups=["x", "y", "x", "y"]).tolist() in ([0, 1, 0, 1], [1, 0, 1, 0])
    True
    """
    names, side = np.asarray(ids, object), np.zeros(len(ids), int) if sides is None else np.asarray(sides)
    dealt, generator = np.full(len(names), -1, np.intp), np.random.default_rng(seed)
    for each in np.unique(side):
        here = np.flatnonzero(side == each)
        here = here[np.argsort(names[here], kind="stable")]
        owners = names[here] if groups is None else np.asarray(groups, object)[here]
        _, place, sizes = np.unique(owners.astype(str), return_inverse=True, return_counts=True)
        dealt[here] = _dealt(sizes, generator)[place]
    return dealt


def _dealt(sizes: Int[NDArray[np.intp], " G"], generator: np.random.Generator) -> Int[NDArray[np.intp], " G"]:
    """A block for each group: shuffled, the larger first, each where least is."""
    shuffled = generator.permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    count = min(MOST, len(sizes))
    chosen = np.empty(len(sizes), np.intp)
    if (sizes == sizes[0]).all():
        chosen[order] = np.arange(len(sizes)) % count
        return chosen
    loads = np.zeros(count, np.int64)
    for group in order:
        chosen[group] = loads.argmin()
        loads[chosen[group]] += sizes[group]
    return chosen
