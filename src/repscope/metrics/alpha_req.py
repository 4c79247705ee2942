"""alpha-ReQ: how fast the spectrum decays.

Minus the slope of log l_j against log j, weighted 1 / j, over j = 11 to the last positive eigenvalue.

An exact power law returns its exponent; with n about 2 d rows an exponent of .5 reads .72.

>>> import numpy as np
>>> basis = np.linalg.qr(np.vander(np.linspace(-1, 1, 65), 41, increasing=True))[0][:, 1:]
>>> round(alpha_req(basis * np.arange(1, 41) ** -0.75), 6)  # eigenvalues j ** -1.5
1.5
"""

import numpy as np

from repscope.accumulators import Moments
from repscope.errors import UnfitData
from repscope.metrics._card import Reading
from repscope.metrics._spectrum import spectrum

FIRST = 11


def _compute(moments: Moments) -> float:
    values = spectrum(moments)
    values = values[values > 1e-12 * values[0]]
    if len(values) < FIRST + 2:
        raise UnfitData(f"alpha-ReQ wants {FIRST + 2} components or more with variance; got {len(values)}.")
    places = np.arange(FIRST, len(values) + 1)
    x, y, weights = np.log(places), np.log(values[FIRST - 1 :]), 1 / places
    x = x - np.average(x, weights=weights)
    return -float((weights * x * y).sum() / (weights * x * x).sum())


def _caveats(n: int, d: int) -> list[str]:
    return [f"biased: {n} rows for {d} dimensions, 10 for each are wanted"] if n < 10 * d else []


alpha_req = Reading(
    name="alpha_req",
    title="Spectral decay (alpha-ReQ)",
    reference="Agrawal et al., alpha-ReQ, NeurIPS 2022",
    needs="moments",
    caveats=_caveats,
    description=__doc__,
    compute=_compute,
)
