"""Split: which labelled images are learnt from and which are named; every class, and whole groups, on one side."""

import numpy as np
from jaxtyping import Bool, Int
from numpy.typing import NDArray

SHARE = 0.2


def held_out(
    codes: Int[NDArray[np.intp], " N"],
    groups: Int[NDArray[np.intp], " N"] | None = None,
    seed: int = 0,
    share: float = SHARE,
) -> Bool[NDArray[np.bool_], " N"]:
    """Which images to hold out: about this share of every class, and no group on both sides.

    No class loses its last image to learn from: a class of one image, or in one group, is not held out. Of a class of
    two or more one is, where groups allow it. Where groups are large the share is only near.

    Args:
        codes: The class of each image, 0 or more. Rows in an order that does not depend on how they were given.
        groups: The number of the group of each image.
    """
    generator = np.random.default_rng(seed)
    if groups is not None:
        return _by_group(codes, groups, generator, share)
    held = np.zeros(len(codes), bool)
    for code in np.unique(codes):
        rows = generator.permutation(np.flatnonzero(codes == code))
        if len(rows) > 1:
            held[rows[: min(max(round(share * len(rows)), 1), len(rows) - 1)]] = True
    return held


def _by_group(
    codes: Int[NDArray[np.intp], " N"],
    groups: Int[NDArray[np.intp], " N"],
    generator: np.random.Generator,
    share: float,
) -> Bool[NDArray[np.bool_], " N"]:
    """Groups in random order, the larger first, each held out where that brings the classes nearer to their share."""
    _, code = np.unique(codes, return_inverse=True)
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), code.max() + 1))
    np.add.at(counts, (group, code), 1)
    whole, taken = counts.sum(0), np.zeros(counts.shape[1])
    shuffled = generator.permutation(len(names))
    order = shuffled[np.argsort(-counts[shuffled].sum(1), kind="stable")]
    chosen = np.zeros(len(names), bool)
    for least in (False, True):  # then the smallest groups that bring a class of which nothing is held out yet
        for each in order[::-1] if least else order:
            here, after = counts[each] > 0, taken + counts[each]
            wanted = (taken[here] == 0).any() if least else _miss(after, whole, share) < _miss(taken, whole, share)
            if wanted and not chosen[each] and (after < whole)[here].all():
                chosen[each], taken = True, after
    return chosen[group]


def _miss(taken: NDArray[np.float64], whole: NDArray[np.float64], share: float) -> float:
    return float(((taken - share * whole) ** 2 / whole).sum())
