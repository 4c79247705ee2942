"""Products: likeness of many queries and a whole bank in fast numbers, and how far off they may be."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from threading import local

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.nearest.likeness import Likeness
from repscope.nearest.threads import shared, workers
from repscope.nearest.vectors import Array, blocks

ROUNDING = {torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}
"""Largest relative error of rounding to each."""
HELD, QUERIES, BANK, GROUP = 1 << 28, 512, 8192, 16
"""Bytes of products held at once; of at most so many queries; so many rows multiplied at a time; of so many only the
largest is ranked at first."""
PREPARED = 128
"""Rows rounded at a time: they stay in a core's cache."""
LEAST = np.finfo(np.float32).min
"""Every product reaches it but those of rows that are none, or the query itself."""
BIAS, SPARE = 3, 256
"""Columns that carry the bias, each what the ones before it left; groups looked into beside four for each neighbour."""


class Products:
    """The rows of a bank in bfloat16 or float32, and the most alike of them.

    With x~ what became of x by rounding, and K columns summed in float32,

        |x . y - x~ . y~| <= |x - x~| |y~| + |x| |y - y~| + K 2^-23 |x~| |y~|

    whose norms are measured, not assumed; the result is then rounded once more.
    """

    def __init__(self, likeness: Likeness, kind: torch.dtype):
        self.likeness, self.kind = likeness, kind
        count, width = len(likeness.bank), likeness.bank.width
        self.columns = ceil((width + BIAS) / 32) * 32
        parts = ceil(count / BANK)
        self.together = ceil(count / parts / GROUP) * GROUP
        whole = torch.zeros(parts * self.together, self.columns, dtype=kind)
        length, missed, bias = np.empty(count), np.empty(count), np.empty(count)

        def prepare(where: slice) -> None:
            right = likeness.right(where)
            length[where], missed[where] = _rounded(right, whole[where, :width])
            bias[where] = likeness.bias(right)

        shared(prepare, blocks(count, PREPARED))
        self.lost = _spread(bias, whole[:count, width : width + BIAS])
        self.reach, self.slack, self.bias = (length + missed).max(), missed.max(), abs(bias).max()
        self.parts = whole.split(self.together)
        self._rooms = local()
        self.queries = max(min(QUERIES, HELD // (workers() * whole.itemsize * len(whole))), 1)

    def top(self, asked: Int[NDArray[np.intp], " m"], k: int, own: bool) -> "Proposal":
        """All rows that may be among the k most alike of each query. With `own` a query is a row of the bank.

        k groups have a row whose product is at least that of their k-th largest maximum; whoever cannot reach it,
        errors and all, is less alike than k others.
        """
        left, bound = self._left(asked)
        held = self._room()
        each = list(enumerate(held[:, : len(asked)]))
        maxima = torch.cat([self._maxima(number, left, part, asked, own) for number, part in each], 1)
        least = self._least(maxima, k, bound)
        if not (least > 0).all():  # the order of bits is that of numbers above zero only
            maxima = torch.cat([_amax(part) for _, part in each], 1)
            least = self._least(maxima, k, bound)
        return self._proposal(held, maxima, least, 4 * k + SPARE)

    def _room(self) -> torch.Tensor:
        """Where a thread keeps its products, block after block."""
        if not hasattr(self._rooms, "held"):
            self._rooms.held = torch.empty(len(self.parts), self.queries, self.together, dtype=self.kind)
        return self._rooms.held

    def _maxima(
        self, number: int, left: torch.Tensor, held: torch.Tensor, asked: Int[NDArray[np.intp], " m"], own: bool
    ) -> torch.Tensor:
        """Products with one part of the bank, and the largest of each group of them by their bits."""
        first = number * self.together
        torch.mm(left, self.parts[number].T, out=held)
        held[:, max(len(self.likeness.bank) - first, 0) :] = -torch.inf
        if own:
            here = np.flatnonzero((asked >= first) & (asked < first + self.together))
            held[here, asked[here] - first] = -torch.inf
        return _amax(held.view(torch.int16 if self.kind == torch.bfloat16 else torch.int32)).view(self.kind)

    def _least(self, maxima: torch.Tensor, k: int, bound: Float[Array, " m"]) -> NDArray[np.float32]:
        """The least product of each query that a row of its k most alike may have."""
        if maxima.shape[1] < k:
            return np.full(len(maxima), LEAST)
        last = maxima.topk(k, dim=1).values[:, -1].double().numpy()
        rounding = ROUNDING[self.kind]
        edge = last - np.abs(last) * rounding - 2 * bound
        least = np.where(edge >= 0, edge / (1 + rounding), edge / (1 - rounding))
        return np.maximum(np.nextafter(least.astype(np.float32), np.float32(-np.inf)), LEAST)

    def _proposal(self, held: torch.Tensor, maxima: torch.Tensor, least: NDArray[np.float32], most: int) -> "Proposal":
        """The rows with such a product, of queries that have few groups of them."""
        m, each = len(maxima), self.together // GROUP
        edge = torch.from_numpy(least).to(self.kind)  # where this rounds upwards, no product lies between
        reached = maxima >= edge[:, None]
        reached[reached.sum(1) > most] = False
        query, group = reached.nonzero(as_tuple=True)
        part, inside = group // each, group % each
        first = (part * self.queries + query) * self.together + inside
        values = held.view(-1)[first[:, None] + each * torch.arange(GROUP)]
        found, place = (values >= edge[query, None]).nonzero(as_tuple=True)
        rows = (part * self.together + inside)[found] + each * place
        return Proposal(rows.numpy(), np.searchsorted(query[found].numpy(), np.arange(m + 1)))

    def _left(self, asked: Int[NDArray[np.intp], " m"]) -> tuple[torch.Tensor, Float[Array, " m"]]:
        """Queries in fast numbers, and a bound on the error of each one's products before they are rounded."""
        width = self.likeness.bank.width
        rounded = torch.zeros(len(asked), self.columns, dtype=self.kind)
        rounded[:, width : width + BIAS] = 1
        bound = np.empty(len(asked))
        for where in blocks(len(asked), PREPARED):
            length, missed = _rounded(self.likeness.left(asked[where]), rounded[where, :width])
            summed = self.columns * 2.0**-23 * ((length + missed) * self.reach + 3 * self.bias)
            bound[where] = missed * self.reach + length * self.slack + summed + self.lost
        return rounded, 1.0001 * bound + 1e-30  # of sums in float64, and of what is too small for a float32


@dataclass(frozen=True, eq=False)
class Proposal:
    """Rows that may be the most alike of each query; none for a query that has too many.

    Attributes:
        rows: Places in the bank, query after query.
        begin: (m + 1,) where those of each query begin.
    """

    rows: Int[NDArray[np.intp], " c"]
    begin: Int[NDArray[np.intp], " n"]

    def of(self, query: int) -> Int[NDArray[np.intp], " c"]:
        return self.rows[self.begin[query] : self.begin[query + 1]]

    def pieces(self, rows: int) -> Iterator[slice]:
        """Queries, so many at a time that there are about so many rows to look at."""
        start, count = 0, len(self.begin) - 1
        while start < count:
            stop = int(np.searchsorted(self.begin, self.begin[start] + rows, "right")) - 1
            yield slice(start, start := min(max(stop, start + 1), count))


def _amax(values: torch.Tensor) -> torch.Tensor:
    """The largest of each group: a group's members lie evenly apart, so that many maxima are taken at once."""
    return values.view(len(values), GROUP, -1).amax(1)


def _rounded(x: Float[Array, "n D"], into: torch.Tensor) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Writes rows in fast numbers; returns at most their lengths, and at most how long is what was lost."""
    single = torch.from_numpy(x.astype(np.float32))
    into.copy_(single)
    length, missed = _at_most(single), _at_most(single - into.float())  # exact: of two near numbers
    return length, missed + ROUNDING[torch.float32] * length


def _at_most(x: torch.Tensor) -> Float[Array, " n"]:
    """Lengths of rows, not less than they are: float32 loses a little, and squares under 1e-38."""
    return 1.001 * np.sqrt(np.einsum("ij,ij->i", x.numpy(), x.numpy()).astype(np.float64)) + 1e-17


def _spread(bias: Float[Array, " n"], into: torch.Tensor) -> float:
    """Writes numbers as sums of fast ones; returns the largest loss."""
    rest = torch.from_numpy(bias.copy())
    for column in into.unbind(1):
        column.copy_(rest)
        rest -= column.double()
    return float(rest.abs().max())


@lru_cache
def bfloat16_pays(threads: int) -> bool:  # noqa: ARG001
    """Whether products in bfloat16 are at least a third faster here than in float32, and no worse than they should be.

    Measured, once: a processor that only emulates them says that it supports them, too.
    """
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(512, 1024, generator=generator), torch.randn(1024, 1024, generator=generator)
    a, b = x.bfloat16(), y.bfloat16()
    exact = a.double() @ b.double().T
    allowed = ROUNDING[torch.bfloat16] * exact.abs() + 1024 * 2.0**-23 * (a.double().abs() @ b.double().abs().T)
    if not bool(((a @ b.T).double() - exact).abs().le(allowed).all()):
        return False
    return 4 * _seconds(a, b) < 3 * _seconds(x, y)


def _seconds(x: torch.Tensor, y: torch.Tensor) -> float:
    taken = []
    for _ in range(4):
        began = time.perf_counter()
        torch.mm(x, y.T)
        taken.append(time.perf_counter() - began)
    return min(taken)
