"""Products: likeness of many queries and a whole bank in fast numbers, and how far off they may be."""

import time
from functools import lru_cache
from math import ceil

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.nearest.likeness import Likeness
from repscope.nearest.vectors import Array, blocks

ROUNDING = {torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}
"""Largest relative error of rounding to each."""
HELD, QUERIES, BANK, GROUP = 1 << 26, 1024, 8192, 16
"""Products held at once; of at most so many queries; so many rows multiplied at a time; of so many only the largest
is ranked at first."""
PREPARED = 32
"""Rows rounded at a time: too few for torch to call other threads, which would wait longer than they work."""
BIAS = 3
"""Columns that carry the bias, each what the ones before it left."""


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
        reach, slack, bias, lost = 0.0, 0.0, 0.0, 0.0
        for where in blocks(count, PREPARED):
            right = likeness.right(where)
            length, missed = _rounded(right, whole[where, :width])
            exact = likeness.bias(right)
            bias, lost = max(bias, abs(exact).max()), max(lost, _spread(exact, whole[where, width : width + BIAS]))
            reach, slack = max(reach, (length + missed).max()), max(slack, missed.max())
        self.parts, self.reach, self.slack, self.bias, self.lost = whole.split(self.together), reach, slack, bias, lost
        self.queries = max(min(QUERIES, HELD // len(whole)), 1)
        self.held = torch.empty(parts, self.queries, self.together, dtype=kind)

    def top(
        self, asked: Int[NDArray[np.intp], " m"], count: int, own: bool
    ) -> tuple[Int[NDArray[np.intp], "m c"], Float[Array, "m c"], Float[Array, "m c"]]:
        """Places of the most alike of each query, the most alike first, with least and greatest likeness each may have.

        No other row is more alike than the greatest of the last. With `own` a query is row of the bank itself, and
        left out.
        """
        left, bound = self._left(asked)
        m, width = len(asked), self.together
        maxima = []
        for number, (part, held) in enumerate(zip(self.parts, self.held[:, :m], strict=True)):
            torch.mm(left, part.T, out=held)
            first = number * width
            held[:, max(len(self.likeness.bank) - first, 0) :] = -torch.inf
            if own:
                here = np.flatnonzero((asked >= first) & (asked < first + width))
                held[here, asked[here] - first] = -torch.inf
            maxima.append(held.view(m, GROUP, -1).amax(1))
        places, values = self._largest(torch.cat(maxima, 1), count)
        off = np.where(np.isneginf(values), 0, np.abs(values) * ROUNDING[self.kind] + bound[:, None])
        offset = self.likeness.offset(self.likeness.left(asked))[:, None]
        return places, values - off + offset, values + off + offset

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

    def _largest(self, maxima: torch.Tensor, count: int) -> tuple[NDArray[np.intp], Float[Array, "m c"]]:
        """Places and values of the largest products: they are in the groups of the largest maxima."""
        m, each = len(maxima), self.together // GROUP
        group = maxima.topk(min(count, maxima.shape[1]), dim=1, sorted=False).indices
        part, inside = group // each, group % each
        inside = (inside[..., None] + each * torch.arange(GROUP)).flatten(1)
        part = part.repeat_interleave(GROUP, 1)
        flat = (part * self.queries + torch.arange(m)[:, None]) * self.together + inside
        value, best = self.held.view(-1)[flat].float().topk(min(count, flat.shape[1]), dim=1)
        place = (part * self.together + inside).gather(1, best)
        return place.numpy().astype(np.intp), value.numpy().astype(np.float64)


def _rounded(x: Float[Array, "n D"], into: torch.Tensor) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
    """Writes rows in fast numbers; returns their lengths, and at most how long is what was lost."""
    single = torch.from_numpy(x.astype(np.float32))
    into.copy_(single)
    missed = (single - into.float()).numpy()  # exact: of two near numbers
    length = np.sqrt(np.einsum("ij,ij->i", x, x))
    return length, 1.001 * np.sqrt(np.einsum("ij,ij->i", missed, missed)) + ROUNDING[torch.float32] * length


def _spread(bias: Float[Array, " n"], into: torch.Tensor) -> float:
    """Writes numbers as sums of fast ones; returns the largest loss."""
    rest = torch.from_numpy(bias.copy())
    for column in into.T:
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
