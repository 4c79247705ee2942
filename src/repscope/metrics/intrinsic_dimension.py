"""Intrinsic dimension (TwoNN).

(n - 1) / sum log(r2 / r1), with r1 and r2 the distances to the two nearest rows; equal rows count once.

Underestimates above about 10 dimensions: a uniform cube of 20 reads 15.9 at n = 5000.

>>> import numpy as np
>>> line = np.random.default_rng(0).random((2000, 1)) * np.ones((1, 5))
>>> 0.9 < intrinsic_dimension(line) < 1.1
True
"""

import numpy as np
from numpy.typing import NDArray

from repscope.errors import UnfitData, UnfitTokens
from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows
from repscope.nearest import first_of_each, nearest_distances


def nearest(rows: Rows, k: int) -> NDArray[np.float64]:
    """Distances (n, k) to the k nearest rows, ascending, of rows that differ."""
    first = first_of_each(rows.given)
    if len(first) <= k + 1:
        raise UnfitData(f"Nearest distances want {k + 2} rows that differ; got {len(first)}.")
    near = nearest_distances(rows.given[first], k) if rows.many else _at_once(rows, first, k)
    # rows that differ by rounding alone have no direction to count
    return near[near[:, 0] > 1e-7 * np.median(near[:, -1])]


def _at_once(rows: Rows, first: NDArray[np.intp], k: int) -> NDArray[np.float64]:
    kept = rows if len(first) == len(rows) else Rows(rows.given[first])
    squared = kept.squared_distances.copy()
    np.fill_diagonal(squared, np.inf)
    return np.sqrt(np.sort(np.partition(squared, k, axis=1)[:, :k], axis=1))


def _compute(rows: Rows) -> float:
    near = nearest(rows, 2)
    ratios = float(np.log(near[:, 1] / near[:, 0]).sum())
    if not ratios > 1e-9 * len(near):
        raise UnfitTokens("Intrinsic dimension is undefined: every row is as far from its two nearest.")
    return (len(near) - 1) / ratios


intrinsic_dimension = Reading(
    name="intrinsic_dimension",
    title="Intrinsic dimension (TwoNN)",
    unit="dimensions",
    better="neither",
    laws=Laws(),
    reference="Facco et al., Estimating the intrinsic dimension of datasets by a minimal neighborhood information, "
    "Scientific Reports 2017",
    needs="rows",
    least=8,
    caveats=lambda n, d: [f"{n} rows: grows with the number of rows where it is high"],  # noqa: ARG005
    description=__doc__,
    compute=_compute,
)
