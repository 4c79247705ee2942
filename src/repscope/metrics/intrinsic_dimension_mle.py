"""Intrinsic dimension (maximum likelihood).

1 / mean over rows of (1 / (k - 1)) sum_{j<k} log(r_k / r_j), averaged over k = 10..20 nearest distances.

Smoother than TwoNN and blind to structure smaller than 20 neighbours.

>>> import numpy as np
>>> line = np.random.default_rng(0).random((2000, 1)) * np.ones((1, 5))
>>> 0.9 < intrinsic_dimension_mle(line) < 1.1
True
"""

import numpy as np

from repscope.errors import UnfitTokens
from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows
from repscope.metrics.intrinsic_dimension import nearest


def _compute(rows: Rows) -> float:
    near = np.log(nearest(rows, 20))
    if not len(near) or not (near[:, -1] - near[:, 0]).mean() > 1e-9:
        raise UnfitTokens("Intrinsic dimension is undefined: every row is as far from all that are near.")
    found = [1 / np.mean((k - 1) * near[:, k - 1] - near[:, : k - 1].sum(1)) * (k - 1) for k in range(10, 21)]
    return float(np.mean(found))


intrinsic_dimension_mle = Reading(
    name="intrinsic_dimension_mle",
    title="Intrinsic dimension (maximum likelihood)",
    unit="dimensions",
    better="neither",
    laws=Laws(),
    reference="Levina and Bickel, Maximum likelihood estimation of intrinsic dimension, NIPS 2004; "
    "MacKay and Ghahramani, 2005",
    needs="rows",
    least=23,
    caveats=lambda n, d: [f"{n} rows: grows with the number of rows where it is high"],  # noqa: ARG005
    description=__doc__,
    compute=_compute,
)
