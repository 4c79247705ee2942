"""Outlier tokens.

Share of rows longer than 3 times the median length.

The rule is relative, so it holds for any encoder's scale; Gaussian rows give none.

>>> import numpy as np
>>> rows = np.ones((100, 4)); rows[7] *= 10
>>> outlier_tokens(rows)
0.01
"""

import numpy as np

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows


def _compute(rows: Rows) -> float:
    return float((rows.norms > 3 * np.median(rows.norms)).mean())


outlier_tokens = Reading(
    name="outlier_tokens",
    title="Outlier tokens",
    unit="share of rows",
    better="neither",
    laws=Laws(shift=False),
    reference="Darcet et al., Vision transformers need registers, ICLR 2024 (arXiv 2309.16588)",
    needs="rows",
    least=2,
    description=__doc__,
    compute=_compute,
)
