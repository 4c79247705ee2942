"""Search: the k most alike of each query, by proposal, proof and decision."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.nearest.certain import certain
from repscope.nearest.likeness import Likeness
from repscope.nearest.vectors import Array, blocks

FEW, MUCH = 2048, 2e10
"""Rows of a bank under which float64 alone is as fast; multiplications from which bfloat16 is worth asking about."""
HALF = 0.5


class Found:
    """What is known so far.

    Attributes:
        rows: (M, k) places in the bank, the most alike first; ties by place.
        likeness: (M, k) float64.
    """

    def __init__(self, queries: int, k: int):
        self.rows: Int[NDArray[np.intp], "M k"] = np.empty((queries, k), np.intp)
        self.likeness: Float[Array, "M k"] = np.empty((queries, k))

    def put(self, query: int, places: Int[NDArray[np.intp], " c"], values: Float[Array, " c"]) -> None:
        """The k largest of these; equal ones by their place."""
        order = np.lexsort((places, -values))[: self.rows.shape[1]]
        self.rows[query], self.likeness[query] = places[order], values[order]


def search(likeness: Likeness, k: int, own: bool) -> Found:
    """The k most alike of each query in the bank; with `own`, of each row of the bank but itself.

    The same whatever the fast numbers are: they only propose.
    """
    found = Found(len(likeness.queries), k)
    for query in np.flatnonzero(likeness.indifferent):
        first = np.arange(k + own)
        found.rows[query], found.likeness[query] = first[first != query][:k] if own else first, 0.0
    left = np.flatnonzero(~likeness.indifferent)
    for kind in _kinds(likeness):
        left = _proposed(likeness, k, own, kind, left, found)
    for query, places, values in certain(likeness, k, own, left):
        found.put(query, places, values)
    return found


def _kinds(likeness: Likeness) -> list[str]:
    """Fast numbers to try, the fastest first."""
    import torch

    from repscope.nearest.products import bfloat16_pays

    count, queries = len(likeness.bank), len(likeness.queries)
    if count < FEW:
        return []
    much = count * queries * likeness.bank.width > MUCH
    return ["bfloat16", "float32"] if much and bfloat16_pays(torch.get_num_threads()) else ["float32"]


def _proposed(
    likeness: Likeness, k: int, own: bool, kind: str, left: Int[NDArray[np.intp], " m"], found: Found
) -> Int[NDArray[np.intp], " r"]:
    """Finds for these queries what fast numbers can prove; returns the queries that they cannot.

    Where they prove less than half of the first ones, the rest is not tried.
    """
    import torch

    from repscope.nearest.products import Products

    if not len(left):
        return left
    products = Products(likeness, getattr(torch, kind))
    doubtful: list[int] = []
    for where in blocks(len(left), products.queries):
        asked = left[where]
        places, least, greatest = products.top(asked, 4 * k + 24, own)
        for query, row, low, high in zip(asked.tolist(), places, least, greatest, strict=True):
            if not _decided(likeness, k, query, row, low, high, found):
                doubtful.append(query)
        if not where.start and len(doubtful) > HALF * len(asked):
            return np.concatenate([np.array(doubtful, np.intp), left[where.stop :]])
    return np.array(doubtful, np.intp)


def _decided(
    likeness: Likeness,
    k: int,
    query: int,
    places: Int[NDArray[np.intp], " c"],
    least: Float[Array, " c"],
    greatest: Float[Array, " c"],
    found: Found,
) -> bool:
    """Whether the k most alike are surely among these; then they are found."""
    if np.isnan(greatest).any():
        return False
    near = np.isfinite(greatest) & (greatest >= least[k - 1])  # the others are less alike than k of these
    places = places[near]
    if len(places) < k:
        return False
    values = likeness.exact(query, places)
    found.put(query, places, values)
    return bool(found.likeness[query, -1] > greatest[-1])
