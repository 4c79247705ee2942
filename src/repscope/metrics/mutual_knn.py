"""Mutual k-nearest neighbours.

Mean share of each row's k = 10 nearest rows by cosine, itself excluded, that both sets have in common.

Chance is k / (n - 1). Within one image chance is far too low a bar: two independent smooth
fields share .16 to .30 of their neighbours where chance is .04, because near patches are alike.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> round(mutual_knn(x, 3 * x[:, ::-1]), 6)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._alignment import Alignment
from repscope.metrics._card import Laws
from repscope.metrics._many import Neighbourhoods, Order, kept
from repscope.metrics._rows import Rows
from repscope.nearest import nearest

Array = NDArray[np.float64]
K = 10


def adjacency(rows: Rows, k: int) -> Float[Array, "n n"]:
    """1 where column j is one of the k nearest to row i by cosine, itself excluded."""
    matrix = np.zeros((len(rows), len(rows)))
    np.put_along_axis(matrix, rows.neighbours(k), 1.0, axis=1)
    return matrix


def _kernel(rows: Rows) -> Float[Array, "n n"]:
    return adjacency(rows, K) / np.sqrt(len(rows) * K)


def _near(rows: Rows) -> Neighbourhoods:
    places = nearest(rows.given, K).rows
    return Neighbourhoods(places, np.ones(places.shape))


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    return kept(x, _near, _near).product(kept(y, _near, _near), order) / (len(x) * K)


mutual_knn = Alignment(
    name="mutual_knn",
    title="Shared 10 nearest",
    better="higher",
    laws=Laws(shift=False, swap=True),
    reference="Huh et al., The platonic representation hypothesis, ICML 2024 (arXiv 2405.07987)",
    least=K + 2,
    description=__doc__,
    left=_kernel,
    right=_kernel,
    many=_many,
    many_chance=lambda x, y: K / (len(x) - 1),  # noqa: ARG005
    many_draws=200,
)
