"""Token norm.

Mean Euclidean length of the rows.

In the units of the encoder's own scale: never compared between encoders.

>>> import numpy as np
>>> token_norm(np.array([[3.0, 4.0], [0.0, 1.0]]))
3.0
"""

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows


def _compute(rows: Rows) -> float:
    return float(rows.norms.mean())


token_norm = Reading(
    name="token_norm",
    title="Token norm",
    unit="",
    better="neither",
    laws=Laws(shift=False, scale=False),
    reference="Darcet et al., Vision transformers need registers, ICLR 2024 (arXiv 2309.16588)",
    needs="rows",
    least=2,
    caveats=lambda n, d: ["in the encoder's own scale: not comparable between encoders"],  # noqa: ARG005
    description=__doc__,
    compute=_compute,
)
