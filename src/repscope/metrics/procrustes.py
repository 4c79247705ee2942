"""Procrustes angle.

arccos of the nuclear norm of X'Y, radians.

X and Y are centred and scaled to Frobenius norm 1; the nuclear norm is how well the best rotation
lays Y on X. A true metric: 0 for rotated copies, at most pi / 2, and the triangle inequality holds.
Unequal widths are padded with zeros, which changes nothing.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> procrustes(x, 3 * x[:, ::-1] + 1) < 1e-6
True
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._card import Laws
from repscope.metrics._direct import Direct
from repscope.metrics._many import Order, cross, squares
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]


def _root(rows: Rows) -> Float[Array, "n r"]:
    """The centred rows with Frobenius norm 1, turned into as few columns as they need."""
    centred = rows.centred / np.linalg.norm(rows.centred)
    if centred.shape[1] <= len(centred):
        return centred
    triangle: Array = np.linalg.qr(centred.T, mode="r")  # pyright: ignore[reportAssignmentType]
    return triangle.T  # a rotation of the rows: their products stay


def _compute(x: Float[Array, "n r"], y: Float[Array, "n s"]) -> float:
    return float(np.arccos(min(np.linalg.svd(x.T @ y, compute_uv=False).sum(), 1.0)))


def _quick(x: Float[Array, "n r"], y: Float[Array, "n s"]) -> float:
    """Singular values as roots of eigenvalues: four times as fast, right to about 1e-5."""
    product = x.T @ y
    squared = product @ product.T if len(product) < product.shape[1] else product.T @ product
    return float(np.arccos(min(np.sqrt(np.clip(np.linalg.eigvalsh(squared), 0, None)).sum(), 1.0)))


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    """From the product of the sets; in float64 but for nulls: the arccosine of 1 - 1e-7 is 4e-4."""
    whole = np.sqrt(squares(x).sum() * squares(y).sum())
    nuclear = np.linalg.svd(cross(x, y, order, quick=order is not None), compute_uv=False).sum()
    return float(np.arccos(min(nuclear / whole, 1.0)))


procrustes = Direct(
    name="procrustes",
    title="Procrustes angle",
    unit="rad",
    better="lower",
    best=0.0,
    least=4,
    laws=Laws(swap=True),
    reference="Williams et al., Generalized shape metrics on neural representations, NeurIPS 2021 (arXiv 2110.14739)",
    description=__doc__,
    root=_root,
    compute=_compute,
    quick=_quick,
    many=_many,
)
