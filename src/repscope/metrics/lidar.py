"""LiDAR.

exp(-sum p log p) with p = l / sum(l), l the eigenvalues of S_w^-1/2 S_b S_w^-1/2.

S_b is the covariance of the means of images, S_w the covariance of views about the mean of their
image, plus 1e-4 I: at most as many directions as there are images less one tell images apart. It
counts directions however weak they are: views that know nothing of their image score the maximum.
Read it beside view_ratio alone.

>>> import numpy as np
>>> images = np.repeat([[[4.0, 0]], [[-4, 0]], [[0, 4]], [[0, -4]]], 2, axis=1)
>>> round(lidar(images + np.array([[0.1, 0.1], [-0.1, -0.1]])), 1)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitTokens
from repscope.metrics._card import Laws
from repscope.metrics._spectrum import exponential_entropy
from repscope.metrics._views import Views, between_and_within

DELTA = 1e-4


def _compute(x: Float[NDArray[np.float64], "n q D"]) -> float:
    from scipy.linalg import cholesky, solve_triangular

    between, within = between_and_within(x)
    if np.linalg.norm(between) <= 1e-13 * np.linalg.norm(x):
        raise UnfitTokens("LiDAR is undefined: all images have the same mean.")
    root = cholesky(within.T @ within + DELTA * np.eye(x.shape[2]), lower=True)
    values = np.linalg.svd(solve_triangular(root, between.T, lower=True), compute_uv=False) ** 2
    return exponential_entropy(values / values.sum())


lidar = Views(
    name="lidar",
    title="LiDAR",
    unit="dimensions",
    better="neither",
    laws=Laws(scale=False),  # 1e-4 is of no scale
    reference="Thilak et al., LiDAR: Sensing linear probing performance in joint embedding SSL architectures, "
    "ICLR 2024 (arXiv 2312.04000)",
    caveats=lambda n, d: [
        "counts directions however weak: views that know nothing of their image score the maximum",
        *([f"at most {n - 1} of {d} dimensions can show with {n} images"] if n <= d else []),
    ],
    description=__doc__,
    compute=_compute,
)
