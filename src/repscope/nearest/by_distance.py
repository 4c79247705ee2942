"""By distance: how far the nearest rows are."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.nearest.likeness import Closeness
from repscope.nearest.search import search
from repscope.nearest.vectors import Vectors, mean_of


def nearest_distances(rows: Float[NDArray[np.floating], "n D"], k: int) -> Float[NDArray[np.float64], "n k"]:
    """Euclidean distances of each row to its k nearest others, ascending; from differences in float64.

    Raises UnfitData for k rows or fewer.

    >>> nearest_distances(np.array([[0.0], [1.0], [3.0]]), 2).tolist()
    [[1.0, 3.0], [1.0, 2.0], [2.0, 3.0]]
    """
    if not 0 < k < len(rows):
        raise UnfitData(f"{k} nearest distances want {k + 1} rows or more; got {len(rows)}.")
    vectors = Vectors(rows, mean_of(rows))
    closeness = Closeness(vectors, vectors)
    found = search(closeness, k, own=True)
    return np.sqrt(-2 * found.likeness * closeness.unit)
