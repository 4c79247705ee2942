"""Representational similarity analysis.

Spearman correlation of the Euclidean distances between all pairs of rows in the two sets.

Of 10,000 rows at most, whose pairs it ranks.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> round(rsa(x, 3 * x[:, ::-1] + 1), 6)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitData, UnfitTokens
from repscope.metrics._alignment import Alignment, normalised
from repscope.metrics._card import Laws
from repscope.metrics._many import Order, centred_at, kept, squares
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]
MOST = 10_000


def ranks(values: Float[Array, " m"]) -> Float[Array, " m"]:
    """Ranks from 0; equal values share the mean of their places."""
    _, where, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count + 1) / 2)[where]


def _kernel(rows: Rows) -> Float[Array, "n n"]:
    upper = np.triu_indices(len(rows), 1)
    place = ranks(rows.squared_distances[upper])
    matrix = np.zeros((len(rows), len(rows)))
    matrix[upper] = place - place.mean()
    return normalised(matrix + matrix.T, "RSA")


def _ranked(rows: Rows) -> NDArray[np.int32]:
    """Twice the ranks of all distances less their mean, (n, n) with zeros on the diagonal."""
    n = len(rows)
    if n > MOST:
        raise UnfitData(
            f"RSA ranks the distances of all {n * (n - 1) // 2:,} pairs of {n} rows, {2e-8 * n * n:.0f} GB; it takes "
            f"{MOST} rows at most. Ask it of a random part of them: its value hardly depends on their number."
        )
    upper = np.triu(np.ones((n, n), bool), 1)
    distances = np.empty(n * (n - 1) // 2, np.float32)
    filled, size = 0, squares(rows)
    for where in rows.parts():
        for start in range(where.start, where.stop, 512):
            some = slice(start, min(start + 512, where.stop))
            left = centred_at(rows, some)
            block = np.concatenate(
                [size[some, None] + size[there] - 2 * left @ centred_at(rows, there).T for there in rows.parts()], 1
            )
            taken = block[upper[some]]
            distances[filled : filled + len(taken)] = taken
            filled += len(taken)
    matrix = np.zeros((n, n), np.int32)
    matrix[upper] = _twice_ranked(distances)
    matrix += matrix.T
    return matrix


def _twice_ranked(values: Float[NDArray[np.float32], " m"]) -> NDArray[np.int32]:
    """Twice the ranks less their mean, which are whole numbers; equal values share the mean of their places."""
    order = np.argsort(values)
    edges = np.flatnonzero(np.diff(values[order], prepend=-np.inf))
    counts = np.diff(edges, append=len(values))
    found = np.empty(len(values), np.int32)
    found[order] = np.repeat(2 * edges + counts - len(values), counts).astype(np.int32)
    return found


def _length(rows: Rows) -> float:
    ranked = kept(rows, _ranked, _ranked)
    found = float(np.sqrt(sum(float(np.square(row, dtype=np.float64).sum()) for row in ranked)))
    if not found > 0:
        raise UnfitTokens("RSA is undefined: all rows are alike.")
    return found


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    """The same a row of pairs at a time; distances are ranked in float32."""
    size = kept(x, _length, _length) * kept(y, _length, _length)
    one, other = kept(x, _ranked, _ranked), kept(y, _ranked, _ranked)
    order = np.arange(len(x)) if order is None else order
    return sum(float(one[i].astype(np.float64) @ other[place][order]) for i, place in enumerate(order)) / size


rsa = Alignment(
    name="rsa",
    title="RSA",
    better="higher",
    laws=Laws(swap=True),
    reference="Kriegeskorte, Mur and Bandettini, Representational similarity analysis, Frontiers in Systems "
    "Neuroscience 2008",
    least=4,
    description=__doc__,
    left=_kernel,
    right=_kernel,
    many=_many,
    many_chance=lambda x, y: 0.0,  # noqa: ARG005  ranks less their mean sum to 0
)
