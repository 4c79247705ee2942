"""Certain: the search in float64, for what faster numbers cannot tell apart."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.nearest.identical import Groups, identical
from repscope.nearest.likeness import Likeness
from repscope.nearest.vectors import Array, blocks

HELD, BANK = 1 << 24, 2048


def certain(
    likeness: Likeness, k: int, own: bool, asked: Int[NDArray[np.intp], " m"]
) -> Iterator[tuple[int, Int[NDArray[np.intp], " c"], Float[Array, " c"]]]:
    """For each query, places and exact likeness of rows that hold its k most alike, ties and all.

    Equal rows are looked at once, so that a bank with a thousand copies of one costs no more. Products in
    float64 leave out what is surely less alike than k + 1 others.
    """
    if not len(asked):
        return
    groups = identical(likeness.bank.rows)
    wanted = min(k + own, len(groups.first))
    for where in blocks(len(asked), max(HELD // len(groups.first), 1)):
        products, bound = _products(likeness, groups, asked[where])
        edge = np.partition(products, -wanted, axis=1)[:, -wanted] - 2 * bound
        exact = likeness.asked(asked[where])
        for query, vector, row, least in zip(asked[where].tolist(), exact, products, edge, strict=True):
            near = np.flatnonzero(row >= least)
            values = likeness.exact(vector[None], groups.first[near], np.array([0, len(near)]))
            places = [groups.of(group, k + own) for group in near.tolist()]
            values = np.repeat(values, [len(each) for each in places])
            joined = np.concatenate(places)
            others = joined != query if own else np.full(len(joined), True)
            yield query, joined[others], values[others]


def _products(
    likeness: Likeness, groups: Groups, asked: Int[NDArray[np.intp], " m"]
) -> tuple[Float[Array, "m U"], Float[Array, " m"]]:
    """Likeness of queries and one row of each group in float64, and how far off it may be."""
    import torch

    left = likeness.left(asked)
    offset, size = likeness.offset(left), np.linalg.norm(left, axis=1)
    found, reach, largest = np.empty((len(asked), len(groups.first))), 0.0, 0.0
    for where in blocks(len(groups.first), BANK):
        right = likeness.right(groups.first[where])
        bias = likeness.bias(right)
        found[:, where] = (torch.from_numpy(left) @ torch.from_numpy(right).T).numpy()
        found[:, where] += bias
        reach = max(reach, np.linalg.norm(right, axis=1).max())
        largest = max(largest, abs(bias).max())
    found += offset[:, None]
    off = (8 * left.shape[1] + 64) * 2.0**-53 * (size * reach + largest + abs(offset) + 1e-30)
    return found, off
