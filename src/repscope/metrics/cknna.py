"""CKNNA: CKA among neighbours.

A(K, L) / sqrt(A(K, K) A(L, L)), A(K, L) = sum of K_ij L_ij over pairs that are neighbours in both sets.

K and L are the U-centred Gram matrices, and j is a neighbour of i where K_ij is among the k = 10
largest of row i. With k = n - 1 it is linear_cka.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> round(cknna(x, 3 * x[:, ::-1] + 1), 6)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._alignment import Alignment, normalised
from repscope.metrics._card import Laws
from repscope.metrics._many import Neighbourhoods, Order, kept
from repscope.metrics._rows import Rows
from repscope.metrics.linear_cka import unbiased_centring
from repscope.nearest import nearest_products

Array = NDArray[np.float64]
K = 10


def nearest_by_product(rows: Rows, k: int) -> Float[Array, "n n"]:
    """1 where the centred product of rows i and j is among the k largest of row i, itself excluded."""
    products = rows.gram.copy()
    np.fill_diagonal(products, -np.inf)
    matrix = np.zeros_like(products)
    np.put_along_axis(matrix, np.argsort(-products, axis=1, kind="stable")[:, :k], 1.0, axis=1)
    return matrix


def restricted(rows: Rows, k: int) -> Float[Array, "n n"]:
    """The U-centred Gram matrix where the pair are neighbours, 0 elsewhere, of Frobenius norm 1."""
    return normalised(unbiased_centring(rows.gram) * nearest_by_product(rows, k), "CKNNA")


def _kernel(rows: Rows) -> Float[Array, "n n"]:
    return restricted(rows, K)


def _near(rows: Rows) -> Neighbourhoods:
    """The same matrix without its zeros. Sums over a centred row are known: minus its product with itself."""
    places, products = nearest_products(rows.given, K)
    n, sums = len(rows), -np.square(rows.centred_norms)
    weights = products - (sums[:, None] + sums[places]) / (n - 2) + sums.sum() / ((n - 1) * (n - 2))
    return Neighbourhoods(places, normalised(weights, "CKNNA"))


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    return kept(x, _near, _near).product(kept(y, _near, _near), order)


cknna = Alignment(
    name="cknna",
    title="CKNNA",
    better="higher",
    laws=Laws(swap=True),
    reference="Huh et al., The platonic representation hypothesis, ICML 2024 (arXiv 2405.07987)",
    least=K + 2,
    description=__doc__,
    left=_kernel,
    right=_kernel,
    many=_many,
    many_chance=lambda x, y: kept(x, _near, _near).chance(kept(y, _near, _near)),
    many_draws=200,
)
