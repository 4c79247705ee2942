"""Likeness: how alike a query and a row are, as a product for many of them at once and exactly for a few."""

from abc import ABC, abstractmethod
from typing import final

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from repscope.nearest.vectors import Array, Places, Vectors, Where

SAMPLED = 1024


class Likeness(ABC):
    """left_i . right_j + bias_j + offset_i: the larger the more alike are query i and row j of the bank."""

    def __init__(self, bank: Vectors, queries: Vectors):
        self.bank, self.queries = bank, queries

    @property
    def indifferent(self) -> Bool[NDArray[np.bool_], " m"]:
        """Queries that all rows are equally alike to."""
        return np.zeros(len(self.queries), bool)

    def left(self, where: Where) -> Float[Array, "m D"]:
        return self.queries.at(where)

    def right(self, where: Where) -> Float[Array, "n D"]:
        return self.bank.at(where)

    @abstractmethod
    def bias(self, right: Float[Array, "n D"]) -> Float[Array, " n"]: ...

    @abstractmethod
    def offset(self, left: Float[Array, "m D"]) -> Float[Array, " m"]: ...

    def asked(self, where: Where) -> Float[Array, "m D"]:
        """Queries as `exact` wants them."""
        return self.queries.at(where)

    def exact(self, asked: Float[Array, "m D"], places: Places, begin: Places) -> Float[Array, " c"]:
        """The same in float64, of query i and rows begin[i] to begin[i + 1] of these; equal rows get equal bits."""
        return self.bank.products(places, asked, begin)


@final
class Cosine(Likeness):
    """Of vectors of length 1.

    One vector m is taken from all of them: x . y = (x - m) . (y - m) + m . (y - m) + m . x. What is left
    of rows with a large mean is short, and so is the error of its products.
    """

    def __init__(self, bank: Vectors, queries: Vectors):
        super().__init__(bank.unit(), queries if queries is bank else queries.unit())
        some = np.linspace(0, len(bank) - 1, min(len(bank), SAMPLED)).astype(np.intp)
        self.shift = bank.at(some).mean(0)

    @property
    def indifferent(self) -> Bool[NDArray[np.bool_], " m"]:
        return self.queries.length == 0

    def left(self, where: Where) -> Float[Array, "m D"]:
        return _less(self.queries.at(where), self.shift)

    def right(self, where: Where) -> Float[Array, "n D"]:
        return _less(self.bank.at(where), self.shift)

    def bias(self, right: Float[Array, "n D"]) -> Float[Array, " n"]:
        return right @ self.shift

    def offset(self, left: Float[Array, "m D"]) -> Float[Array, " m"]:
        return left @ self.shift + self.shift @ self.shift


@final
class Product(Likeness):
    """x . y of the vectors as they are, in units of the longest of the bank squared."""

    def __init__(self, bank: Vectors, queries: Vectors):
        scale = _power_of_two(bank)
        super().__init__(bank.scaled(1 / scale), queries if queries is bank else queries.scaled(1 / scale))
        self.unit = scale * scale

    def bias(self, right: Float[Array, "n D"]) -> Float[Array, " n"]:
        return np.zeros(len(right))

    def offset(self, left: Float[Array, "m D"]) -> Float[Array, " m"]:
        return np.zeros(len(left))


@final
class Closeness(Likeness):
    """-|x - y|^2 / 2, in units of the longest of the bank squared; exactly, from the differences."""

    def __init__(self, bank: Vectors, queries: Vectors):
        scale = _power_of_two(bank)
        super().__init__(bank.scaled(1 / scale), queries if queries is bank else queries.scaled(1 / scale))
        self.unit = scale * scale

    def bias(self, right: Float[Array, "n D"]) -> Float[Array, " n"]:
        return -np.einsum("ij,ij->i", right, right) / 2

    def offset(self, left: Float[Array, "m D"]) -> Float[Array, " m"]:
        return -np.einsum("ij,ij->i", left, left) / 2

    def asked(self, where: Where) -> Float[Array, "m D"]:
        return self.queries.rows[where].astype(np.float64)

    def exact(self, asked: Float[Array, "m D"], places: Places, begin: Places) -> Float[Array, " c"]:
        return -self.bank.squared_gaps(places, asked, begin) / 2


def _less(x: Float[Array, "m D"], shift: Float[Array, " D"]) -> Float[Array, "m D"]:
    x -= shift
    return x


def _power_of_two(bank: Vectors) -> float:
    """Near the length of the longest vector: dividing by it rounds nothing."""
    longest = bank.length.max()
    return float(2.0 ** np.round(np.log2(longest))) if longest > 0 else 1.0
