"""Search: the k most alike of each query, by proposal, proof and decision."""

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from repscope import threads
from repscope.nearest.certain import certain
from repscope.nearest.likeness import Likeness
from repscope.nearest.threads import shared, workers
from repscope.nearest.vectors import Array, blocks

if TYPE_CHECKING:
    from repscope.nearest.products import Proposal

FEW, MUCH = 2048, 2e11
"""Rows of a bank under which float64 alone is as fast; multiplications from which bfloat16 is worth asking about."""
HALF, LOOKED_AT = 0.5, 256
"""Share of queries that fast numbers must prove; rows looked at together, which stay in a core's cache."""


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
    from repscope.nearest.products import bfloat16_pays

    count, queries = len(likeness.bank), len(likeness.queries)
    if count < FEW:
        return []
    much = count * queries * likeness.bank.width > MUCH
    return ["bfloat16", "float32"] if much and bfloat16_pays(threads.products()) else ["float32"]


def _proposed(
    likeness: Likeness, k: int, own: bool, kind: str, left: Int[NDArray[np.intp], " m"], found: Found
) -> Int[NDArray[np.intp], " r"]:
    """Finds for these queries what fast numbers can prove; returns the queries that they cannot.

    The first blocks are spread evenly over them all: where less than half is proved there, the rest is not tried.
    """
    import torch

    from repscope.nearest.products import Products

    if not len(left):
        return left
    products = Products(likeness, getattr(torch, kind))
    sure, together = np.zeros(len(left), bool), workers()
    turns = ceil(len(left) / products.queries / together) * together  # as many blocks for each
    left = np.concatenate([left[turn::turns] for turn in range(turns)])

    def work(where: slice) -> None:
        sure[where] = _decided(likeness, k, left[where], products.top(left[where], k, own), found)

    parts = blocks(len(left), ceil(len(left) / turns))
    shared(work, parts[:together])
    if sure[: parts[:together][-1].stop].mean() >= HALF:
        shared(work, parts[together:])
    return left[~sure]


def _decided(
    likeness: Likeness, k: int, asked: Int[NDArray[np.intp], " m"], proposal: "Proposal", found: Found
) -> Bool[NDArray[np.bool_], " m"]:
    """Finds the k most alike of each query among those proposed; returns for which there was a proposal."""

    vectors, counts = likeness.asked(asked), np.diff(proposal.begin)
    for piece in proposal.pieces(LOOKED_AT):
        start, stop = proposal.begin[piece.start], proposal.begin[piece.stop]
        rows, begin = proposal.rows[start:stop], proposal.begin[piece.start : piece.stop + 1] - start
        values = likeness.exact(vectors[piece], rows, begin)
        order = np.lexsort((rows, -values, np.repeat(np.arange(len(begin) - 1), counts[piece])))
        known = counts[piece] >= k
        best = order[begin[:-1][known, None] + np.arange(k)]
        found.rows[asked[piece][known]], found.likeness[asked[piece][known]] = rows[best], values[best]
    return counts >= k
