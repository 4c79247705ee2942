"""Views: measures of several views of each image, and the vectors they are made of."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitData, UnfitTokens
from repscope.metrics._card import Card

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Views(Card):
    """A number about several views of the same images. Call it on an array (n, q, D): n images, q views of each."""

    compute: Callable[[Float[Array, "n q D"]], float]

    def __call__(self, x: Float[NDArray[np.floating], "n q D"]) -> float:
        values = np.asarray(x, np.float64)
        if values.ndim != 3 or values.shape[0] < self.least or values.shape[1] < 2 or not values.size:
            raise UnfitData(
                f"{self.title} wants vectors (n, q, D) of {self.least} images or more in two views or more; "
                f"got an array of {values.shape}."
            )
        if broken := int((~np.isfinite(values)).sum()):
            raise UnfitTokens(f"{broken} of {values.size} numbers are not finite.")
        return float(self.compute(values))


def between_and_within(x: Float[Array, "n q D"]) -> tuple[Float[Array, "n D"], Float[Array, "nq D"]]:
    """Factors of two covariances: B'B of the means of images, W'W of views about their image's mean.

    B'B divides by n - 1 and W'W by n (q - 1), so that views drawn without regard to their image give
    E[B'B] = E[W'W] / q.
    """
    n, q, d = x.shape
    means = x.mean(1)
    return (means - means.mean(0)) / np.sqrt(n - 1), (x - means[:, None]).reshape(-1, d) / np.sqrt(n * (q - 1))
