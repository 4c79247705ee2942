"""Alignment: a pair measure that is an inner product of two n x n matrices, one from each set.

CKA, RSA, shared neighbours, CKNNA and the ridge map are all of this form. So each set is worked on
once however many others it meets, the mean over all orders of the rows has a closed form, and the
whole torus-shift null is one Fourier transform.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitTokens
from repscope.metrics._card import Pair
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]
Kernel = Callable[[Rows], Float[Array, "n n"]]


@dataclass(frozen=True, kw_only=True)
class Alignment(Pair):
    """value = offset + sum_ij left(x)_ij right(y)_ij.

    Attributes:
        left, right: The matrix of the first and of the second set; reordering the rows of a set
            reorders its matrix alike.
    """

    left: Kernel
    right: Kernel
    offset: float = 0.0

    def _value(self, x: Rows, y: Rows) -> float:
        return self.offset + float(np.vdot(self._matrix(x, self.left), self._matrix(y, self.right)))

    @staticmethod
    def _matrix(rows: Rows, kernel: Kernel) -> Array:
        if kernel not in rows.kernels:
            rows.kernels[kernel] = kernel(rows)
        return rows.kernels[kernel]

    def _relabelled(self, x: Rows, y: Rows, orders: NDArray[np.intp]) -> Float[Array, " R"]:
        one, other = self._matrix(x, self.left), self._matrix(y, self.right)
        return np.array([self.offset + float(np.vdot(one, other[order[:, None], order])) for order in orders])

    def shifted(self, x: Rows, y: Rows, shifts: NDArray[np.intp]) -> Float[Array, " R"]:
        assert y.grid is not None
        product = (np.conj(self._waves(x, self.left, y.grid)) * self._waves(y, self.right, y.grid)).sum(0)
        return self.offset + np.fft.irfft2(product, s=y.grid)[shifts[:, 0], shifts[:, 1]]

    @staticmethod
    def _waves(rows: Rows, kernel: Kernel, grid: tuple[int, int]) -> NDArray[np.complex128]:
        """Fourier transform over cells i of M[i, i + delta], for every offset delta on the torus."""
        key = (kernel, "waves")
        if key not in rows.kernels:
            down, across = np.indices(grid).reshape(2, -1)
            beyond = (down + down[:, None]) % grid[0] * grid[1] + (across + across[:, None]) % grid[1]
            diagonals = Alignment._matrix(rows, kernel)[np.arange(len(rows)), beyond]
            rows.kernels[key] = np.fft.rfft2(diagonals.reshape(-1, *grid))
        return rows.kernels[key]

    def _chance(self, x: Rows, y: Rows) -> float:
        one, other, n = self._matrix(x, self.left), self._matrix(y, self.right), len(x)
        diagonals = np.trace(one) * np.trace(other)
        rest = (one.sum() - np.trace(one)) * (other.sum() - np.trace(other))
        return self.offset + float(diagonals / n + rest / (n * (n - 1)))


def normalised(matrix: Float[Array, "n n"], title: str) -> Float[Array, "n n"]:
    """The matrix with Frobenius norm 1; raises UnfitTokens where there is nothing to normalise."""
    size = np.linalg.norm(matrix)
    if not size > 0:
        raise UnfitTokens(f"{title} is undefined: all rows are alike.")
    return matrix / size
