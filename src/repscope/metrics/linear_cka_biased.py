"""Linear CKA, biased.

||Y'X||_F^2 / (||X'X||_F ||Y'Y||_F) of the centred sets.

Biased upwards: independent Gaussian sets of n rows and d columns score d / (n + d), which is
.75 for the 256 patches and 768 columns of one image. Use linear_cka; this one is for comparison with
published numbers.

>>> import numpy as np
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> round(linear_cka_biased(x, 3 * x[:, ::-1] + 1), 6)
1.0
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._alignment import Alignment, normalised
from repscope.metrics._card import Laws
from repscope.metrics._many import Order, cross, kept, squares
from repscope.metrics._rows import Rows

Array = NDArray[np.float64]


def _kernel(rows: Rows) -> Float[Array, "n n"]:
    return normalised(rows.gram, "CKA")


def _own(rows: Rows) -> float:
    return float(np.linalg.norm(cross(rows, rows, quick=True)))


def _many(x: Rows, y: Rows, order: Order | None = None) -> float:
    return float(np.square(cross(x, y, order, quick=True)).sum() / (kept(x, _own, _own) * kept(y, _own, _own)))


def _many_chance(x: Rows, y: Rows) -> float:
    """The traces of the Gram matrices meet, and what is off them sums to their negatives."""
    traces = squares(x).sum() * squares(y).sum()
    return float(traces / (len(x) - 1) / (kept(x, _own, _own) * kept(y, _own, _own)))


linear_cka_biased = Alignment(
    name="linear_cka_biased",
    title="CKA, biased",
    better="higher",
    laws=Laws(swap=True),
    reference="Kornblith et al., Similarity of neural network representations revisited, ICML 2019 (arXiv 1905.00414)",
    least=4,
    caveats=lambda n, d: [f"independent sets of {n} rows and {d} columns score {d / (n + d):.2f}"],
    description=__doc__,
    left=_kernel,
    right=_kernel,
    many=_many,
    many_chance=_many_chance,
)
