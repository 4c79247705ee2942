"""Nearest: the rows of a bank that point most nearly the way of a query; exact, a block at a time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData

Array = NDArray[np.floating]
BLOCK = 1 << 26
"""Similarities held at once: a quarter of a gigabyte in float32."""


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

    Exact in float32: products are of rows of length 1. A row of zeros has cosine 0 with all.

    Args:
        bank: Rows to search among.
        k: How many of them.
        queries: Rows to search for; the bank's own where not given.
        centred: Take the bank's mean from both first.

    Raises UnfitData for fewer than k rows to choose from, or widths that differ.

    >>> import numpy as np
    >>> bank = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    >>> nearest(bank, 1).rows.tolist()
    [[1], [0], [1]]
    """
    import torch

    own = queries is None
    if not 0 < k <= len(bank) - own:
        raise UnfitData(f"{k} neighbours want {k + own} rows or more; got {len(bank)}.")
    if queries is not None and queries.shape[1] != bank.shape[1]:
        raise UnfitData(f"Queries of width {queries.shape[1]} cannot be compared with a bank of width {bank.shape[1]}.")
    mean = bank.mean(0, dtype=np.float64) if centred else None
    rows = torch.from_numpy(unit(bank, mean))
    asked = rows if queries is None else torch.from_numpy(unit(queries, mean))
    together = max(BLOCK // len(bank), 1)
    places, values = [], []
    for start in range(0, len(asked), together):
        cosine = asked[start : start + together] @ rows.T
        if own:
            here = torch.arange(len(cosine))
            cosine[here, start + here] = -torch.inf
        value, place = cosine.topk(min(k + 1, len(bank)), dim=1)
        # a stable order among equals: the larger first, then the earlier
        order = torch.argsort(place, dim=1)
        place, value = place.gather(1, order), value.gather(1, order)
        order = torch.argsort(value, dim=1, descending=True, stable=True)[:, :k]
        places.append(place.gather(1, order).numpy())
        values.append(value.gather(1, order).numpy())
    return Nearest(np.concatenate(places), np.concatenate(values))


def unit(rows: Float[Array, "n D"], mean: Float[Array, " D"] | None = None) -> Float[Array, "n D"]:
    """Rows of length 1, float32, less this mean where one is given; a row of zeros stays one."""
    x = np.asarray(rows, np.float32)
    if mean is not None:
        x = (x - mean).astype(np.float32)
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)
