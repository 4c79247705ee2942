"""RankMe of the centred rows.

exp(-sum p log p), p = s / sum(s) + 1e-7, s the singular values of the rows less their mean.

>>> import numpy as np
>>> round(rankme_centred(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])), 4)
2.0
"""

from repscope.accumulators import Moments
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import exponential_entropy, few_rows, spectrum


def _compute(moments: Moments) -> float:
    spectrum(moments)
    p = moments.singular_values / moments.singular_values.sum() + 1e-7
    return exponential_entropy(p)


rankme_centred = Reading(
    name="rankme_centred",
    title="RankMe of the centred rows",
    unit="dimensions",
    reference="Garrido et al., RankMe, ICML 2023 (arXiv 2210.02885), with the mean removed first",
    needs="moments",
    caveats=few_rows,
    description=__doc__,
    compute=_compute,
)
