"""Mean cosine.

Mean cosine over all pairs of different rows, mean vector included.

Mostly the size of the mean vector: the same cloud with offsets 0, .5, 1, 2, 4 deviations reads
0, .2, .5, .8, .94. Undefined where a row has length 0.

>>> import numpy as np
>>> round(mean_cosine(np.ones((5, 3))), 6)
1.0
"""

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows, pairs_mean_cosine


def _compute(rows: Rows) -> float:
    rows.directed()
    return pairs_mean_cosine(rows)


mean_cosine = Reading(
    name="mean_cosine",
    title="Mean cosine",
    unit="",
    better="neither",
    laws=Laws(shift=False),
    reference="Ethayarajh, How contextual are contextualized word representations?, EMNLP 2019 (arXiv 1909.00512)",
    needs="rows",
    least=2,
    description=__doc__,
    compute=_compute,
)
