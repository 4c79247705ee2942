"""Direct: a pair measure computed anew for each order of the rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._card import Pair, order_of, spread
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Direct(Pair):
    """value = compute(root(x), root(y)).

    Attributes:
        root: Of each set, what is computed once: rows of it belong to rows of the set.
        compute: The value from two roots.
        quick: The same to about four digits, for nulls.
    """

    root: Callable[[Rows], Float[Array, "n r"]]
    compute: Callable[[Float[Array, "n r"], Float[Array, "n s"]], float]
    quick: Callable[[Float[Array, "n r"], Float[Array, "n s"]], float] | None = None
    draws: int = 20  # five photos crossed; p can be .05

    def _of(self, rows: Rows) -> Array:
        if self.root not in rows.kernels:
            rows.kernels[self.root] = self.root(rows)
        return rows.kernels[self.root]

    def _value(self, x: Rows, y: Rows) -> float:
        return self.compute(self._of(x), self._of(y))

    def _relabelled(self, x: Rows, y: Rows, orders: NDArray[np.intp]) -> Float[Array, " R"]:
        one, other = self._of(x), self._of(y)
        compute = self.quick or self.compute
        return np.array([compute(one, other[order]) for order in spread(orders, self.draws)])

    def shifted(self, x: Rows, y: Rows, shifts: NDArray[np.intp]) -> Float[Array, " R"]:
        assert y.grid is not None
        return self._relabelled(x, y, np.array([order_of(shift, y.grid) for shift in spread(shifts, self.draws)]))
