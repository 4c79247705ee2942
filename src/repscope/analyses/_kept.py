"""Kept: how much of the neighbourhoods in an encoder's own space a map of two dimensions keeps, image by image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.nearest import unit

Array = NDArray[np.floating]
BLOCK = 1 << 26
"""Similarities held at once: a quarter of a gigabyte in float32."""
Rows = Int[NDArray[np.integer], "N k"]


@dataclass(frozen=True, eq=False)
class Kept:
    """What a map keeps of each image's neighbourhood.

    Attributes:
        shared: Share of the k nearest in the encoder's own space that are among the k nearest on the map.
        trust: 1 - 2 / (k (2N - 3k - 1)) sum over the map's k nearest j of max(rank of j in the own space - k, 0);
            its mean over images is the trustworthiness of Venna and Kaski (2001). Empty where k >= N / 2,
            where it is not between 0 and 1.
    """

    shared: Float[Array, " N"]
    trust: Float[Array, " N"]


def kept(x: Float[Array, "N D"], own: Rows, places: Float[Array, "N 2"]) -> Kept:
    """Neighbours by cosine in the own space, by Euclidean distance on the map; a block of images at a time.

    Args:
        x: The encoder's embeddings.
        own: The k nearest of each image among them.
    """
    n, k = own.shape
    near = neighbours_on(places, k)
    return Kept(overlap(own, near), _trust(x, near) if 2 * k < n else np.zeros(0))


def overlap(one: Rows, other: Rows) -> Float[Array, " N"]:
    """Share of each image's k neighbours that two lists have in common.

    >>> overlap(np.array([[1, 2], [0, 2]]), np.array([[2, 3], [0, 2]])).tolist()
    [0.5, 1.0]
    """
    together = np.sort(np.concatenate([one, other], 1), 1)
    return (together[:, 1:] == together[:, :-1]).sum(1) / one.shape[1]


def neighbours_on(places: Float[Array, "N 2"], k: int) -> Rows:
    """The k nearest on the map, an image itself left out; ties by distance, then by their place in the list."""
    from scipy.spatial import KDTree

    n = len(places)
    found = KDTree(places).query(places, k=min(k + 1, n))[1].reshape(n, -1)
    itself = found == np.arange(n)[:, None]
    itself[~itself.any(1), -1] = True  # among more than k others at the same place
    return found[~itself].reshape(n, k)


def trust_of_chance(n: int, k: int) -> float:
    """Expected trustworthiness of a map that knows nothing: ranks of the k nearest are even over 1..N-1."""
    return 1 - (n - 1 - k) * (n - k) / ((n - 1) * (2 * n - 3 * k - 1))


def _trust(x: Float[Array, "N D"], near: Rows) -> Float[Array, " N"]:
    """See `Kept.trust`. The rank of j is 1 + the images that are nearer; as near is not nearer, so no order matters."""
    n, k = near.shape
    rows, together = unit(x), max(BLOCK // n, 1)
    found = np.empty(n)
    for start in range(0, n, together):
        cosine = rows[start : start + together] @ rows.T
        count = len(cosine)
        value = np.take_along_axis(cosine, near[start : start + count], 1)
        cosine[np.arange(count), start + np.arange(count)] = -np.inf
        cosine.sort(1)
        for i in range(count):
            ahead = n - np.searchsorted(cosine[i], value[i], side="right")
            found[start + i] = (ahead + 1 - k).clip(0).sum()
    return 1 - 2 * found / (k * (2 * n - 3 * k - 1))
