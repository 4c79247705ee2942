"""SIGReg.

Mean over 256 random directions of n int |phi(t) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt from -3 to 3.

phi is the empirical characteristic function of the rows along a direction (the statistic of Epps
and Pulley): how far the rows are from a standard Gaussian, in scale and mean too. 1.0527 is
expected for N(0, I), whatever n; .40223 n for rows that are all zero. Directions are seeded: two
sets of one width are read along the same ones.

>>> import numpy as np
>>> round(sigreg(np.zeros((1000, 4))), 2)
402.23
"""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.metrics._card import Laws, Reading
from repscope.metrics._rows import Rows

DIRECTIONS, KNOTS, REACH = 256, 65, 3.0


def directions(width: int) -> Float[NDArray[np.float64], "256 D"]:
    """Seeded directions of length 1."""
    drawn = np.random.default_rng(0).normal(size=(DIRECTIONS, width))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _compute(rows: Rows) -> float:
    from scipy.integrate import simpson

    times = np.linspace(0, REACH, KNOTS)
    bells = np.exp(-(times**2) / 2)
    along = directions(rows.width).T
    turn = np.exp(1j * times[1] * np.concatenate([rows.at(where) @ along for where in rows.parts()]))
    turned, gaps = np.ones_like(turn), np.zeros(KNOTS)
    for place in range(1, KNOTS):  # the next knot is one more turn: no new sine of every number
        turned *= turn
        gaps[place] = np.square(abs(turned.mean(0) - bells[place])).mean()
    return float(2 * len(rows) * simpson(gaps * bells, x=times))  # the integrand is even in t


sigreg = Reading(
    name="sigreg",
    title="SIGReg",
    unit="",
    better="neither",
    laws=Laws(shift=False, scale=False, rotation=False),
    reference="Balestriero and LeCun, LeJEPA: Provable and scalable self-supervised learning without the heuristics, "
    "2025 (arXiv 2511.08544); Epps and Pulley, A test for normality based on the empirical characteristic function, "
    "Biometrika 1983",
    needs="rows",
    patches=False,
    caveats=lambda n, d: ["of the rows as they are: another scale or mean counts as far from Gaussian"],  # noqa: ARG005
    description=__doc__,
    compute=_compute,
)
