"""Isotropy.

1 - mean cosine over all pairs of different rows, mean vector included.

Mostly the size of the mean vector: the same cloud with offsets 0, .5, 1, 2, 4 deviations reads
1, .8, .5, .2, .06. Its sibling isotropy_centred removes the mean first. Undefined where a row has
length 0.

>>> import numpy as np
>>> abs(isotropy(np.ones((5, 3)))) < 1e-12
True
"""

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows, pairs_mean_cosine


def _compute(rows: Rows) -> float:
    rows.directed()
    return 1 - pairs_mean_cosine(rows)


isotropy = Reading(
    name="isotropy",
    title="Isotropy",
    unit="",
    better="neither",
    laws=Laws(shift=False),
    reference="Ethayarajh, How contextual are contextualized word representations?, EMNLP 2019 (arXiv 1909.00512)",
    needs="rows",
    least=2,
    description=__doc__,
    compute=_compute,
)
