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

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitTokens
from repscope.metrics._alignment import Alignment
from repscope.metrics._card import Laws
from repscope.metrics._rows import Rows

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
    exact=False,
)
