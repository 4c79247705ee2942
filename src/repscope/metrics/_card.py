"""Card: what a measure says of itself, so that every face can define it and a test can hold it to it."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.metrics._rows import Rows

Array = NDArray[np.floating]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True, slots=True)
class Laws:
    """What the value does not notice; a test holds each claim, and each claim not made, to the code.

    Attributes:
        shift: One vector added to all rows.
        scale: All rows multiplied by one positive number.
        rotation: All rows turned by one orthogonal matrix.
        order: The rows in another order (of both sets, for a pair).
        swap: The two sets exchanged; None for a measure of one set.
    """

    shift: bool = True
    scale: bool = True
    rotation: bool = True
    order: bool = True
    swap: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """Title, unit, definition, laws and source of a measure.

    Attributes:
        name: Of its file.
        title: On the page.
        unit: "" for a pure number.
        better: Which way is usually wanted; "neither" where a larger value is only different.
        laws: What leaves the value alone.
        reference: Paper it comes from.
        caveats: When it misleads, given the shape (rows, width) of what was measured.
        least: Rows it wants at least.
        description: Its file's docstring: title, definition, example.
    """

    name: str
    title: str
    unit: str = ""
    better: Better = "neither"
    laws: Laws = field(default_factory=Laws)
    reference: str
    caveats: Callable[[int, int], Sequence[str]] = lambda n, d: ()  # noqa: ARG005
    least: int = 2
    description: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.description)  # so that help() shows the measure, not its class

    @property
    def definition(self) -> str:
        """The formula and when it misleads: the description between its title and its example."""
        _, _, body = inspect.cleandoc(self.description or "").partition("\n\n")
        return " ".join(body.split(">>>")[0].split())

    def _enough(self, rows: Rows) -> None:
        if len(rows) < self.least:
            raise UnfitData(f"{self.title} wants {self.least} rows or more; got {len(rows)}.")


@dataclass(frozen=True, kw_only=True)
class Reading(Card):
    """A number about one set of vectors. Call it on an array (n, D), or (H, W, D) for one image's patches.

    Attributes:
        compute: The value from what it needs.
        needs: What of the rows it is made of.
        patches: Whether it says something of one photo's patches; False for one of embeddings only.
    """

    compute: Callable[[Any], float]
    needs: Literal["moments", "rows", "grid"] = "rows"
    patches: bool = True

    def __call__(self, x: Array) -> float:
        return self.of(Rows(x))

    def of(self, rows: Rows) -> float:
        """The reading of rows whose derivations are shared with other readings."""
        self._enough(rows)
        if self.needs == "grid" and rows.grid is None:
            raise UnfitData(f"{self.title} wants patches laid out as (H, W, D); got rows of shape {rows.given.shape}.")
        return float(self.compute(rows.moments if self.needs == "moments" else rows))


@dataclass(frozen=True, kw_only=True)
class Pair(Card, ABC):
    """A number about two sets of vectors of the same things. Call it on two arrays with as many rows.

    Attributes:
        best: The largest value there is, or the smallest where less is more alike.
        exact: Whether a set with itself always has it.
        draws: Values a null is made of at most; where each costs a whole computation, few.
        many: The same value for more rows than n x n matrices are made of, the second set's put into an order.
        many_chance: The same of `chance`, where it is known.
        many_draws: The same of `draws`.
    """

    best: float = 1.0
    exact: bool = True
    draws: int = 1000
    many: Callable[[Rows, Rows, NDArray[np.intp] | None], float] | None = None
    many_chance: Callable[[Rows, Rows], float] | None = None
    many_draws: int = 20

    def __call__(self, x: Array, y: Array) -> float:
        return self.of(Rows(x), Rows(y))

    def of(self, x: Rows, y: Rows) -> float:
        """The measure of rows whose derivations are shared with other pairs."""
        if len(x) != len(y):
            raise UnfitData(f"{self.title} wants the same rows twice; got {len(x)} and {len(y)}.")
        self._enough(x)
        return self.many(x, y, None) if self.many and x.many else self._value(x, y)

    @abstractmethod
    def _value(self, x: Rows, y: Rows) -> float: ...

    def relabelled(self, x: Rows, y: Rows, orders: NDArray[np.intp]) -> Array:
        """The value for each (R, n) order in which the rows of y may be put; of many rows for some of them."""
        if self.many and x.many:
            return np.array([self.many(x, y, order) for order in spread(orders, self.many_draws)])
        return self._relabelled(x, y, orders)

    @abstractmethod
    def _relabelled(self, x: Rows, y: Rows, orders: NDArray[np.intp]) -> Array: ...

    @abstractmethod
    def shifted(self, x: Rows, y: Rows, shifts: NDArray[np.intp]) -> Array:
        """The value for each (R, 2) shift in rows and columns of y's grid, wrapped around."""

    def chance(self, x: Rows, y: Rows) -> float | None:
        """The exact mean over all orders of y's rows, where it is known."""
        if self.many and x.many:
            return self.many_chance(x, y) if self.many_chance else None
        return self._chance(x, y)

    def _chance(self, x: Rows, y: Rows) -> float | None:  # noqa: ARG002
        return None


def spread(draws: NDArray[Any], most: int) -> NDArray[Any]:
    """At most this many of them, evenly spread."""
    return draws if len(draws) <= most else draws[np.linspace(0, len(draws) - 1, most).round().astype(int)]


def order_of(shift: NDArray[np.intp], grid: tuple[int, int]) -> NDArray[np.intp]:
    """The order in which a torus shift puts the cells of a grid: place i gets cell i + shift."""
    cells = np.arange(grid[0] * grid[1]).reshape(grid)
    return np.roll(cells, (-int(shift[0]), -int(shift[1])), axis=(0, 1)).ravel()
