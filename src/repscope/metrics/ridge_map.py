"""Ridge map: how well one set foretells the other.

Held-out R^2 of ridge regression from the first set to the second, mean over the second's features.

Five folds over the rows (seeded), penalty .1 of the mean squared length of a centred row.
Predicting each feature's mean scores about 0, worse than that is negative. The one asymmetric measure: swapping the
sets asks another question. Within one image near patches share folds' borders, so read it
against its null. Turning the second set changes the mean over its features.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(200, 8))
>>> ridge_map(x, x[:, :2]) > 0.98 > 0.4 > ridge_map(x[:, :2], x)
True
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitTokens
from repscope.metrics._alignment import Alignment
from repscope.metrics._card import Laws
from repscope.metrics._many import Order, centred_at, kept
from repscope.metrics._rows import MANY, Rows

Array = NDArray[np.float64]
FOLDS, PENALTY = 5, 0.1


def _folds(n: int) -> list[NDArray[np.intp]]:
    return np.array_split(np.random.default_rng(0).permutation(n), FOLDS)


def residual(rows: Rows) -> Float[Array, "n n"]:
    """I - T, where T y are the predictions for each fold by ridge regression fitted on the others.

    T depends on the first set alone, so any number of targets costs one product.
    """
    n, matrix = len(rows), np.eye(len(rows))
    for test in _folds(n):
        train = np.setdiff1d(np.arange(n), test)
        centred = np.eye(len(train)) - 1 / len(train)
        inner, cross = rows.gram[np.ix_(train, train)], rows.gram[np.ix_(test, train)]
        cross = (cross - inner.mean(0)) @ centred
        inner = centred @ inner @ centred
        penalty = PENALTY * np.trace(inner) / len(train)
        if not penalty > 0:
            raise UnfitTokens("The ridge map is undefined: all rows of the first set are alike.")
        solved = np.linalg.solve(inner + penalty * np.eye(len(train)), cross.T).T
        matrix[np.ix_(test, train)] -= solved @ centred + 1 / len(train)
    return matrix


def _asked(rows: Rows) -> Float[Array, "n n"]:
    left = residual(rows)
    return -left.T @ left


def _answers(rows: Rows) -> Float[Array, "n n"]:
    size = np.linalg.norm(rows.centred, axis=0)
    moved = rows.centred[:, size > 1e-10 * size.max()]  # a feature that never varies has no R^2
    moved = moved / np.linalg.norm(moved, axis=0)
    return moved @ moved.T / moved.shape[1]


@dataclass(frozen=True, eq=False)
class _Sums:
    """Products of some rows: of (1, x) with itself and with y, and of each feature of y with itself."""

    inner: Float[Array, "C C"]
    cross: Float[Array, "C E"]
    squares: Float[Array, " E"]

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(self.inner + other.inner, self.cross + other.cross, self.squares + other.squares)

    def __sub__(self, other: "_Sums") -> "_Sums":
        return _Sums(self.inner - other.inner, self.cross - other.cross, self.squares - other.squares)

    @property
    def count(self) -> float:
        return self.inner[0, 0]

    @property
    def means(self) -> tuple[Float[Array, " D"], Float[Array, " E"]]:
        return self.inner[0, 1:] / self.count, self.cross[0] / self.count

    def about(self, x: Float[Array, " D"], y: Float[Array, " E"]) -> "_Sums":
        """Products of rows less these, without the ones."""
        n, sum_x, sum_y = self.count, self.inner[0, 1:], self.cross[0]
        return _Sums(
            self.inner[1:, 1:] - sum_x[:, None] * x - x[:, None] * sum_x + n * x[:, None] * x,
            self.cross[1:] - sum_x[:, None] * y - x[:, None] * sum_y + n * x[:, None] * y,
            self.squares - 2 * sum_y * y + n * y * y,
        )


def _with_ones(rows: Rows, where: Order) -> Float[Array, "m C"]:
    return np.concatenate([np.ones((len(where), 1)), centred_at(rows, where)], 1)


def _inner(rows: Rows) -> list[Float[Array, "C C"]]:
    """Products of each fold's rows with themselves, whatever they foretell."""
    found = []
    for test in _folds(len(rows)):
        parts = (_with_ones(rows, test[start : start + MANY]) for start in range(0, len(test), MANY))
        found.append(reduce(np.add, (part.T @ part for part in parts)))
    return found


def _fold(x: Rows, y: Rows, inner: Array, test: Order, order: Order | None) -> _Sums:
    cross, squared = np.zeros((x.width + 1, y.width)), np.zeros(y.width)
    for start in range(0, len(test), MANY):
        where = test[start : start + MANY]
        there = centred_at(y, where if order is None else order[where])
        cross += _with_ones(x, where).T @ there
        squared += np.square(there).sum(0)
    return _Sums(inner, cross, squared)


def _missed(train: _Sums, test: _Sums) -> Float[Array, " E"]:
    """Squared errors of each feature in a fold, of the regression fitted on the others."""
    count, means = train.count, train.means
    train, test = train.about(*means), test.about(*means)
    penalty = PENALTY * np.trace(train.inner) / count
    if not penalty > 0:
        raise UnfitTokens("The ridge map is undefined: all rows of the first set are alike.")
    fitted = np.linalg.solve(train.inner + penalty * np.eye(len(train.inner)), train.cross)
    return test.squares - 2 * (fitted * test.cross).sum(0) + (fitted * (test.inner @ fitted)).sum(0)


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    """From D x D and D x E products over each fold: those of its others are the whole less its own."""
    inner = kept(x, _inner, _inner)
    folds = [_fold(x, y, own, test, order) for own, test in zip(inner, _folds(len(x)), strict=True)]
    whole = reduce(_Sums.__add__, folds)
    missed = np.sum([_missed(whole - fold, fold) for fold in folds], 0)
    moved = whole.squares > 1e-20 * whole.squares.max()  # a feature that never varies has no R^2
    return float(1 - (missed[moved] / whole.squares[moved]).mean())


ridge_map = Alignment(
    name="ridge_map",
    title="Ridge map",
    unit="R²",
    better="higher",
    laws=Laws(rotation=False, order=False, swap=False),
    reference="Hoerl and Kennard, Ridge regression, Technometrics 1970",
    least=2 * FOLDS,
    description=__doc__,
    left=_asked,
    right=_answers,
    offset=1.0,
    many=_many,
    exact=False,
)
