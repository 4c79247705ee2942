"""Alignment.

Mean of ||u - v||^2 over all pairs of views of one image, rows scaled to length 1, and over images.

0 where all views of an image point the same way, which a collapsed encoder's do too: read it
beside uniformity. About 2 for views that know nothing of each other. Uncentred: a large mean vector brings
it near 0. Undefined where a vector has length 0.

>>> import numpy as np
>>> alignment(np.array([[[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [5.0, 0.0]]]))
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._card import Laws
from repscope.metrics._rows import Rows
from repscope.metrics._views import Views


def _compute(x: Float[NDArray[np.float64], "n q D"]) -> float:
    n, q, d = x.shape
    unit = Rows(x.reshape(n * q, d)).directions.reshape(n, q, d)
    # the sum over all pairs of q vectors is q times their squared distances from the mean
    apart = np.square(unit - unit.mean(1, keepdims=True)).sum((1, 2))
    return float(2 * apart.mean() / (q - 1))


alignment = Views(
    name="alignment",
    title="Alignment",
    unit="",
    better="neither",
    laws=Laws(shift=False),
    reference="Wang and Isola, Understanding contrastive representation learning through alignment and uniformity, "
    "ICML 2020 (arXiv 2005.10242)",
    description=__doc__,
    compute=_compute,
)
