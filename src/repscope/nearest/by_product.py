"""By product: the rows of the largest inner product once the mean is gone."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.nearest.likeness import Product
from repscope.nearest.search import search
from repscope.nearest.vectors import Vectors, mean_of


def nearest_products(
    rows: Float[NDArray[np.floating], "n D"], k: int
) -> tuple[Int[NDArray[np.intp], "n k"], Float[NDArray[np.float64], "n k"]]:
    """Places and values of the k largest products of each centred row with the others, largest first; ties by place.

    Raises UnfitData for k rows or fewer.

    >>> nearest_products(np.array([[0.0], [1.0], [5.0]]), 1)[0].ravel().tolist()
    [1, 0, 1]
    """
    if not 0 < k < len(rows):
        raise UnfitData(f"{k} nearest products want {k + 1} rows or more; got {len(rows)}.")
    vectors = Vectors(rows, mean_of(rows))
    product = Product(vectors, vectors)
    found = search(product, k, own=True)
    return found.rows, found.likeness * product.unit
