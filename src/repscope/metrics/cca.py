"""Canonical correlation analysis.

Mean canonical correlation of the two sets' first components, up to .99 of the variance of each.

Refused under 10 rows a component: random sets of 100 dimensions correlate .64 at n = 200.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(200, 8))
>>> round(cca(x, 3 * x[:, ::-1] + 1), 6)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.metrics._card import Laws
from repscope.metrics._direct import Direct
from repscope.metrics._many import Order, cross, kept
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]
SHARE, ROWS_EACH = 0.99, 10


def _root(rows: Rows) -> Float[Array, "n r"]:
    """Orthonormal columns that span the first components, up to .99 of the variance."""
    if len(rows) <= rows.width:
        values, vectors = np.linalg.eigh(rows.gram)
        values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    else:
        vectors, values, _ = np.linalg.svd(rows.centred, full_matrices=False)
        values = values**2
    return vectors[:, : _components(values, len(rows))]


def _components(values: Float[Array, " m"], n: int) -> int:
    """How many carry the share of variance, given the variance of each."""
    count = int(np.searchsorted(np.cumsum(values) / values.sum(), SHARE * (1 - 1e-12)) + 1)
    if n < ROWS_EACH * count:
        raise UnfitData(
            f"CCA wants {ROWS_EACH} rows for each of {count} components; got {n} rows, "
            "with which unrelated sets correlate as well."
        )
    return count


def _compute(x: Float[Array, "n r"], y: Float[Array, "n s"]) -> float:
    return float(np.linalg.svd(x.T @ y, compute_uv=False).mean())


def _whitening(rows: Rows) -> Float[Array, "D r"]:
    """What turns the centred columns into the orthonormal ones."""
    values, vectors = np.linalg.eigh(cross(rows, rows))
    values, vectors = np.clip(values[::-1], 0, None), vectors[:, ::-1]
    count = _components(values, len(rows))
    return vectors[:, :count] / np.sqrt(values[:count])


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    one, other = kept(x, _whitening, _whitening), kept(y, _whitening, _whitening)
    return float(np.linalg.svd(one.T @ cross(x, y, order, quick=order is not None) @ other, compute_uv=False).mean())


cca = Direct(
    name="cca",
    title="CCA",
    better="higher",
    laws=Laws(swap=True),
    reference="Raghu et al., SVCCA, NeurIPS 2017 (arXiv 1706.05806)",
    description=__doc__,
    draws=200,
    exact=False,
    root=_root,
    compute=_compute,
    many=_many,
)
