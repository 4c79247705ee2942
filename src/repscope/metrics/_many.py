"""Many: what measures of pairs of sets are made of where a matrix of all pairs of rows is too large.

Products D x E of two sets' centred columns, summed block by block in float64, and sparse matrices of
neighbours. Each takes an order in which the rows of the second set are put: a null is made of such.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.metrics._rows import Rows

Array = NDArray[np.float64]
Order = Int[NDArray[np.intp], " n"]


def kept(rows: Rows, key: object, compute: Callable[[Rows], Any]) -> Any:
    """What is computed once of a set, however many others it meets."""
    if key not in rows.kernels:
        rows.kernels[key] = compute(rows)
    return rows.kernels[key]


def size(rows: Rows) -> float:
    """The power of two nearest to the typical length of a centred row: dividing by it rounds nothing."""
    return float(2.0 ** np.round(np.log2(np.linalg.norm(rows.centred_norms) / np.sqrt(len(rows)))))


def centred_at(rows: Rows, where: slice | NDArray[np.intp]) -> Float[Array, "m D"]:
    """Some rows less the mean of all, in units of their size."""
    found = rows.at(where) - rows.mean
    found *= 1 / kept(rows, size, size)
    return found


def squares(rows: Rows) -> Float[Array, " n"]:
    """Squared lengths of the centred rows, in units of their size."""
    return np.square(rows.centred_norms / kept(rows, size, size))


def cross(x: Rows, y: Rows, order: Order | None = None, quick: bool = False) -> Float[Array, "D E"]:
    """X'Y of the centred sets, in units of their sizes.

    With `quick` the products of each block of rows are float32 and only their sum is float64: twice as
    fast, off by some 1e-7 of |X| |Y|.
    """
    import torch

    kind = torch.float32 if quick else torch.float64
    total = torch.zeros(x.width, y.width, dtype=torch.float64)
    for where in x.parts():
        left = torch.from_numpy(centred_at(x, where)).to(kind)
        right = left
        if x is not y or order is not None:
            right = torch.from_numpy(centred_at(y, where if order is None else order[where])).to(kind)
        total += left.T @ right
    return total.numpy()


@dataclass(frozen=True, eq=False)
class Neighbourhoods:
    """A sparse n x n matrix: k numbers in each row.

    Attributes:
        places: (n, k) the columns.
        weights: (n, k) the numbers.
    """

    places: Int[NDArray[np.intp], "n k"]
    weights: Float[Array, "n k"]

    def total(self) -> float:
        return float(self.weights.sum())

    def product(self, other: "Neighbourhoods", order: Order | None = None) -> float:
        """Sum of the products of their numbers, the rows and columns of the other put into this order."""
        there, weights = other.places, other.weights
        if order is not None:
            back = np.empty_like(order)
            back[order] = np.arange(len(order))
            there, weights = back[there[order]], weights[order]
        found = 0.0
        for start in range(0, len(there), 4096):
            where = slice(start, start + 4096)
            same = self.places[where, :, None] == there[where, None]
            found += float(np.einsum("ip,iq,ipq->", self.weights[where], weights[where], same))
        return found

    def chance(self, other: "Neighbourhoods") -> float:
        """The mean of the product over all orders; neither has anything on its diagonal."""
        n = len(self.places)
        return self.total() * other.total() / (n * (n - 1))
