"""Precision: how often the nearest are of the same class."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData


def precision_at(
    k: int,
    nearest_rows: Int[NDArray[np.intp], "M k0"],
    labels: NDArray[np.generic],
    asked: NDArray[np.generic] | None = None,
) -> Float[NDArray[np.float64], " M"]:
    """Of each query, the share of its k nearest that have its label; the mean of them is precision at k.

    Chance is the share of other rows with the label of a query, averaged over queries; it falls with the
    number of classes, and the value with the number of rows a class has: never compared across pools.

    Args:
        k: How many of the nearest count.
        nearest_rows: Places in the bank, the nearest first, as `nearest` gives them.
        labels: (N,) of the bank.
        asked: (M,) of the queries; the bank's where not given.

    Raises UnfitData for fewer than k nearest, or labels that are not one per query.

    >>> precision_at(2, np.array([[1, 2], [0, 2], [1, 0]]), np.array(["cat", "cat", "dog"])).tolist()
    [0.5, 0.5, 0.0]
    """
    labels = np.asarray(labels)
    asked = labels if asked is None else np.asarray(asked)
    if not 0 < k <= nearest_rows.shape[1]:
        raise UnfitData(f"Precision at {k} wants {k} nearest rows of each query or more; got {nearest_rows.shape[1]}.")
    if len(asked) != len(nearest_rows):
        raise UnfitData(f"Precision wants a label per query; got {len(asked)} labels for {len(nearest_rows)} queries.")
    return (labels[nearest_rows[:, :k]] == asked[:, None]).mean(1)
