"""Variation of token norm.

Standard deviation of the rows' Euclidean lengths over their mean.

>>> import numpy as np
>>> token_norm_cv(np.array([[3.0, 4.0], [0.0, 1.0]])) == 2 / 3
True
"""

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows


def _compute(rows: Rows) -> float:
    return float(rows.norms.std() / rows.norms.mean())


token_norm_cv = Reading(
    name="token_norm_cv",
    title="Variation of token norm",
    unit="",
    better="neither",
    laws=Laws(shift=False),
    reference="Darcet et al., Vision transformers need registers, ICLR 2024 (arXiv 2309.16588)",
    needs="rows",
    least=2,
    description=__doc__,
    compute=_compute,
)
