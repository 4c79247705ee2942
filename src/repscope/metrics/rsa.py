"""Representational similarity analysis.

Spearman correlation of the Euclidean distances between all pairs of rows in the two sets.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> round(rsa(x, 3 * x[:, ::-1] + 1), 6)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._alignment import Alignment, normalised
from repscope.metrics._card import Laws
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]


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
)
