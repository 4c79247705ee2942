"""Linear CKA, debiased.

HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) of K = XX', L = YY', with the unbiased estimate of HSIC.

HSIC(K, L) = [tr KL + 1'K1 1'L1 / ((n-1)(n-2)) - 2 / (n-2) 1'KL1] / (n (n-3)), the diagonals of
K and L set to 0. Independent sets score about 0, sometimes slightly below; its biased sibling
linear_cka_biased scores d / (n + d) on them.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> round(linear_cka(x, 3 * x[:, ::-1] + 1), 6)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitTokens
from repscope.metrics._alignment import Alignment, normalised
from repscope.metrics._card import Laws
from repscope.metrics._many import Order, cross, kept, squares
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]


def unbiased_centring(gram: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """The U-centred matrix: zero diagonal and zero row sums, so that products of two are unbiased.

    Szekely and Rizzo, Partial distance correlation, Annals of Statistics 2014.
    """
    n, gram = len(gram), gram - np.diag(np.diag(gram))
    row = gram.sum(1)
    centred = gram - (row[:, None] + row) / (n - 2) + row.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return centred


def _kernel(rows: Rows) -> Float[Array, "n n"]:
    return normalised(unbiased_centring(rows.gram), "CKA")


def _hsic(product: Float[Array, "D E"], size_x: Float[Array, " n"], size_y: Float[Array, " n"]) -> float:
    """Unbiased HSIC times n (n - 3), from the product of centred sets and squared lengths of their rows."""
    n = len(size_x)
    sums = size_x.sum() * size_y.sum() / ((n - 1) * (n - 2)) - 2 * (size_x @ size_y) / (n - 2)
    return float(np.square(product).sum() - size_x @ size_y + sums)


def _own(rows: Rows) -> float:
    return _hsic(cross(rows, rows, quick=True), squares(rows), squares(rows))


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    """From features, never an n x n matrix; quick products leave it right to 1e-6."""
    own, other = kept(x, _own, _own), kept(y, _own, _own)
    if not min(own, other) > 0:
        raise UnfitTokens("CKA is undefined: all rows are alike.")
    size = squares(y) if order is None else squares(y)[order]
    return _hsic(cross(x, y, order, quick=True), squares(x), size) / float(np.sqrt(own * other))


linear_cka = Alignment(
    name="linear_cka",
    title="CKA",
    better="higher",
    laws=Laws(swap=True),
    reference="Kornblith et al., Similarity of neural network representations revisited, ICML 2019 (arXiv 1905.00414); "
    "unbiased HSIC: Song et al., Feature selection via dependence maximization, JMLR 2012",
    least=4,
    description=__doc__,
    left=_kernel,
    right=_kernel,
    many=_many,
    many_chance=lambda x, y: 0.0,  # noqa: ARG005  the U-centred matrix sums to 0 and has no diagonal
)
