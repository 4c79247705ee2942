"""What the readings of a spectrum share."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.accumulators import Moments
from repscope.errors import UnfitTokens

Array = NDArray[np.float64]


def spectrum(moments: Moments) -> Float[Array, " m"]:
    """All eigenvalues of the covariance; raises UnfitTokens where nothing but rounding varies."""
    return varying(moments).spectrum


def varying(moments: Moments) -> Moments:
    """The same; raises UnfitTokens where nothing but rounding varies."""
    if moments.variance <= 1e-26 * (moments.mean @ moments.mean):
        raise UnfitTokens("All rows are alike: there is no spectrum.")
    return moments


def exponential_entropy(shares: Float[Array, " m"]) -> float:
    """exp(-sum p log p) of numbers that sum to 1, with 0 log 0 = 0."""
    p = shares[shares > 0]
    return float(np.exp(-(p * np.log(p)).sum()))


def components_for(moments: Moments, share: float) -> int:
    """The smallest k whose first k components carry at least this share of the whole variance."""
    values = spectrum(moments)
    # the last sum is the whole by definition: rounding must not ask for one component more
    return int(np.searchsorted(np.cumsum(values) / values.sum(), share * (1 - 1e-12)) + 1)


def few_rows(n: int, d: int) -> list[str]:
    """Every reading of a spectrum is bounded where there are fewer rows than dimensions."""
    return [f"at most {n - 1} of {d} dimensions can show with {n} rows"] if n <= d else []
