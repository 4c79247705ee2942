"""RankMe.

exp(-sum p log p), p = s / sum(s) + 1e-7, s the singular values of the rows, mean included.

A large mean is one large singular value: an offset of +5 drops 63.5 to 24.2 at n = 1000,
d = 64, so it is shown beside its centred twin, rankme_centred.

>>> import numpy as np
>>> round(rankme(np.eye(8)), 4)
8.0
"""

import numpy as np

from repscope.accumulators import Moments
from repscope.errors import UnfitTokens
from repscope.metrics._card import Laws, Reading
from repscope.metrics._spectrum import exponential_entropy


def _compute(moments: Moments) -> float:
    values = moments.singular_values_uncentred
    if not values.sum() > 0:
        raise UnfitTokens("RankMe is undefined: all rows are zero.")
    return exponential_entropy(values / np.sum(values) + 1e-7)


rankme = Reading(
    name="rankme",
    title="RankMe",
    unit="dimensions",
    laws=Laws(shift=False),
    reference="Garrido et al., RankMe, ICML 2023 (arXiv 2210.02885)",
    needs="moments",
    caveats=lambda n, d: ["uncentred: the mean vector counts as a direction", *([f"at most {n}"] if n < d else [])],
    description=__doc__,
    compute=_compute,
)
