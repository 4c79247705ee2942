"""Moments: count, mean and scatter of vectors, and with them their whole spectrum."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.accumulators.accumulator import Accumulator
from repscope.errors import UnfitData

Array = NDArray[np.float64]


def _none(*shape: int) -> Array:
    return np.zeros(shape)


@dataclass(frozen=True, eq=False)
class Moments(Accumulator):
    """Count, mean and centred scatter, merged by the rule of Chan, Golub and LeVeque (1983).

    While there are fewer rows than columns only a factor is kept: rows whose products with
    themselves are the scatter. It is smaller, and its Gram matrix has the same eigenvalues.

    Attributes:
        n: Number of vectors.
        mean: (D,) float64.
        factor: (k, D), k <= D, with scatter = factor' factor; empty once the scatter is kept.
        scatter: (D, D), sum of (x - mean)(x - mean)'; empty while the factor is.
    """

    n: int = 0
    mean: Float[Array, " D"] = field(default_factory=lambda: _none(0))
    factor: Float[Array, "k D"] = field(default_factory=lambda: _none(0, 0))
    scatter: Float[Array, "D D"] = field(default_factory=lambda: _none(0, 0))

    def of(self, rows: Float[NDArray[np.floating], "n D"], ids: Sequence[str] = ()) -> "Moments":  # noqa: ARG002
        x = np.asarray(rows, np.float64)
        if x.ndim != 2 or not x.size:
            raise UnfitData(f"Moments want rows (n, D) and at least one; got an array of shape {x.shape}.")
        mean = x.mean(0)
        return Moments(len(x), mean)._with(x - mean)

    def of_many(self, rows: Float[NDArray[np.floating], "n D"]) -> "Moments":
        """As `of`, for patches by the million: products in float32 of rows centred in float64.

        Eigenvalues are off by about a millionth of the largest one, in a fraction of the time.
        """
        if len(rows) <= rows.shape[1]:
            return self.of(rows)
        import torch  # numpy's product of float32 is slower on some processors

        mean = rows.mean(0, dtype=np.float64)
        centred = torch.from_numpy(np.subtract(rows, mean, dtype=np.float64).astype(np.float32))
        return Moments(len(rows), mean, _none(0, 0), (centred.T @ centred).numpy().astype(np.float64))

    def _with(self, factor: Array) -> "Moments":
        """These moments with this factor, or with its scatter where that is smaller."""
        if len(factor) <= factor.shape[1]:
            return Moments(self.n, self.mean, factor, _none(0, 0))
        return Moments(self.n, self.mean, _none(0, 0), factor.T @ factor)

    def _merged(self, other: Any) -> "Moments":
        if len(self.mean) != len(other.mean):
            raise UnfitData(f"Moments of width {len(self.mean)} and {len(other.mean)} cannot be added.")
        n, gap = self.n + other.n, other.mean - self.mean
        mean, between = self.mean + gap * (other.n / n), gap * np.sqrt(self.n * other.n / n)
        if len(self.factor) and len(other.factor):
            return Moments(n, mean)._with(np.concatenate([self.factor, other.factor, between[None]]))
        return Moments(n, mean, _none(0, 0), self._whole + other._whole + np.outer(between, between))

    @property
    def _whole(self) -> Array:
        return self.factor.T @ self.factor if len(self.factor) else self.scatter

    @property
    def width(self) -> int:
        return len(self.mean)

    def covariance(self) -> Float[Array, "D D"]:
        """Unbiased; raises UnfitData for fewer than two rows."""
        return self._whole / (self._rows_of(2) - 1)

    @cached_property
    def spectrum(self) -> Float[Array, " m"]:
        """All min(n - 1, D) eigenvalues of the covariance, descending, none below zero."""
        return self.singular_values**2 / (self._rows_of(2) - 1)

    @cached_property
    def singular_values(self) -> Float[Array, " m"]:
        """Singular values of the centred rows, min(n - 1, D) of them, descending."""
        return _singular(self.factor, self.scatter)[: min(self.n - 1, self.width)]

    @cached_property
    def singular_values_uncentred(self) -> Float[Array, " m"]:
        """Singular values of the rows as they are, min(n, D) of them, descending."""
        mean = np.sqrt(self.n) * self.mean
        if len(self.factor):
            values = _singular(np.concatenate([self.factor, mean[None]]), self.scatter)
        else:
            values = _singular(self.factor, self.scatter + np.outer(mean, mean))
        return values[: min(self.n, self.width)]

    @property
    def variance(self) -> float:
        """The whole variance, the sum of all eigenvalues; raises UnfitData for fewer than two rows."""
        size = np.square(self.factor).sum() if len(self.factor) else np.trace(self.scatter)
        return float(size / (self._rows_of(2) - 1))

    @property
    def concentration(self) -> float:
        """Sum of the squared eigenvalues over the square of their sum, without finding any of them."""
        gram = self.factor @ self.factor.T if 0 < len(self.factor) < self.width else self._whole
        return float(np.square(gram).sum() / np.trace(gram) ** 2)

    def _rows_of(self, least: int) -> int:
        if self.n < least:
            raise UnfitData(f"A spectrum wants {least} rows or more; got {self.n}.")
        return self.n


def _singular(factor: Array, scatter: Array) -> Array:
    """Square roots of the eigenvalues of factor' factor, or of the scatter where there is no factor."""
    if len(factor):
        scatter = factor @ factor.T if len(factor) < factor.shape[1] else factor.T @ factor
    return np.sqrt(np.clip(np.linalg.eigvalsh(scatter)[::-1], 0, None))
