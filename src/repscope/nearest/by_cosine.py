"""By cosine: the rows of a bank that point most nearly the way of a query."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.nearest.likeness import Cosine
from repscope.nearest.search import search
from repscope.nearest.vectors import Vectors, mean_of

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The k nearest of each query, the nearest first; ties by their place in the bank.

    Attributes:
        rows: (M, k) places in the bank.
        cosine: (M, k) float32.
    """

    rows: Int[NDArray[np.intp], "M k"]
    cosine: Float[Array, "M k"]


def nearest(
    bank: Float[Array, "N D"], k: int, queries: Float[Array, "M D"] | None = None, *, centred: bool = False
) -> Nearest:
    """The k rows of the bank of the largest cosine to each query; without queries, to each of its own rows but itself.

    Exact: the order is that of float64, whatever finds the candidates, on how many threads and in blocks of
    any size. A row of zeros has cosine 0 with all. Held beside the bank: half of it as float32, and a quarter
    of a gigabyte.

    Args:
        bank: Rows to search among; any floats, in memory or mapped.
        k: How many of them.
        queries: Rows to search for; the bank's own where not given.
        centred: Take the bank's mean from both first.

    Raises UnfitData for fewer than k rows to choose from, or widths that differ; UnfitTokens for numbers that
    are not finite.

    >>> import numpy as np
    >>> bank = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    >>> nearest(bank, 1).rows.tolist()
    [[1], [0], [1]]
    """
    own = queries is None
    if not 0 < k <= len(bank) - own:
        raise UnfitData(f"{k} neighbours want {k + own} rows or more; got {len(bank)}.")
    if queries is not None and queries.shape[1] != bank.shape[1]:
        raise UnfitData(f"Queries of width {queries.shape[1]} cannot be compared with a bank of width {bank.shape[1]}.")
    mean = mean_of(bank) if centred else None
    rows = Vectors(bank, mean)
    found = search(Cosine(rows, rows if queries is None else Vectors(queries, mean)), k, own)
    return Nearest(found.rows, found.likeness.astype(np.float32))


def unit(rows: Float[Array, "n D"], mean: Float[Array, " D"] | None = None) -> Float[Array, "n D"]:
    """Rows of length 1, float32, less this mean where one is given; a row of zeros stays one."""
    x = np.asarray(rows, np.float32)
    if mean is not None:
        x = (x - mean).astype(np.float32)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)
