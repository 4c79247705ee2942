"""Between images over within.

tr S_b / tr S_w: the variance of the means of images over the variance of views about the mean of their image.

1 / q for q views that know nothing of their image, unbounded for views that know nothing else. It
says whether there is anything for LiDAR to count.

>>> import numpy as np
>>> round(view_ratio(np.array([[[0.0], [2.0]], [[4.0], [6.0]]])), 6)
4.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitTokens
from repscope.metrics._views import Views, between_and_within


def _compute(x: Float[NDArray[np.float64], "n q D"]) -> float:
    between, within = between_and_within(x)
    if np.linalg.norm(within) <= 1e-13 * np.linalg.norm(x):
        raise UnfitTokens("The ratio has no bound: all views of an image are alike.")
    return float(np.square(between).sum() / np.square(within).sum())


view_ratio = Views(
    name="view_ratio",
    title="Between images over within",
    unit="",
    better="neither",
    reference="Fisher, The use of multiple measurements in taxonomic problems, Annals of Eugenics 1936; shown beside "
    "LiDAR (arXiv 2312.04000)",
    description=__doc__,
    compute=_compute,
)
