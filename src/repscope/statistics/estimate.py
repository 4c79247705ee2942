"""Estimate: a value of a whole set of images, and how far it would move with other images."""

import math
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.statistics.interval import LEVEL
from repscope.statistics.scored import Scored

Array = NDArray[np.float64]


def _none() -> Array:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Estimate:
    """A value and what it is without each block of images: a delete-a-group jackknife.

    Where images are queries and neighbours at once, resampling queries alone gives too narrow an
    interval, for they share their neighbours, and drawing images with replacement makes every copy its own
    nearest neighbour. Leaving blocks out does neither. What a block does counts as
    a whole, be it large or small (Wolter, Introduction to variance estimation, 2007). A jackknife is not too small on
    average (Efron and Stein, The jackknife estimate of variance, 1981), and for neighbours, which change at a step,
    its error is up to twice too large; where the scores that the value is the mean of are known, `Scored.excess` is
    taken away. It says nothing of bias: a value that depends on the number of images is one of this number of images.

    Attributes:
        value: Of the whole set.
        left: (B,) the value without each block; nan where it has none.
        sizes: (B,) images in each block.
        units: Images, or groups of them, that vary by themselves.
        ends: The least and the largest value there can be; (0, 1) for a share, which is given Wilson's interval.
        scored: The scores that it is the mean of, where it is one.
        draws: (E,) values of independent draws of which `value` is the mean, where it is one: their spread counts too.
    """

    value: float
    left: Float[Array, " B"]
    sizes: Float[Array, " B"]
    units: int
    ends: tuple[float, float] = (-math.inf, math.inf)
    scored: Scored | None = None
    draws: Float[Array, " E"] = field(default_factory=_none)

    @classmethod
    def of(cls, scored: Scored, sizes: Float[Array, " B"], draws: Float[Array, " E"] | None = None) -> "Estimate":
        """The mean of scores that are shares."""
        value, left = float(scored.scores.mean()), scored.left(len(sizes))
        units = len(np.unique(scored.owners))
        return cls(value, left, sizes, units, (0.0, 1.0), scored, _none() if draws is None else draws)

    @property
    def error(self) -> float | None:
        """Standard error; None where there are fewer than two blocks, or a value without one of them is missing."""
        used = self.sizes > 0
        left, sizes = self.left[used], self.sizes[used]
        if len(left) < 2 or not np.isfinite(left).all():
            return None
        rest = sizes.sum() - sizes
        if not rest.all():
            return None
        centre = float((rest * left).sum() / rest.sum())
        variance = float(np.square(rest / sizes.sum() * (left - centre)).sum()) * len(left) / (len(left) - 1)
        if self.scored is not None:
            variance = max(variance - self.scored.excess, self.scored.alone)
        if len(self.draws) > 1:
            variance += float(self.draws.var(ddof=1)) / len(self.draws)
        return math.sqrt(variance)

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """The interval at this level, by Student's t over blocks; None where there is no error.

        A share has Wilson's interval for as many independent images as would have its error; at 0 or 1,
        where blocks tell nothing, for as many as there are units.

        >>> share = Estimate(1.0, np.ones(5), np.ones(5), units=50, ends=(0.0, 1.0))
        >>> [round(end, 2) for end in share.interval()]
        [0.87, 1.0]
        """
        from scipy.stats import t

        error = self.error
        if error is None:
            return None
        reach = float(t.ppf((1 + level) / 2, max(int((self.sizes > 0).sum()) - 1, 1)))
        if self.ends == (0.0, 1.0):
            return _wilson(self.value, error, reach, self.units, self.scored is not None)
        low, high = self.ends
        return max(self.value - reach * error, low), min(self.value + reach * error, high)

    def minus(self, other: "Estimate") -> "Estimate":
        """The difference of two estimates of the same images, block by block."""
        return self._with(
            other,
            1.0,
            self.value - other.value,
            self.left - other.left,
            1.0,
            (self.ends[0] - other.ends[1], self.ends[1] - other.ends[0]),
        )

    def over(self, other: "Estimate") -> "Estimate":
        """The ratio of two estimates of the same images; scores and draws by its first order."""
        ratio = self.value / other.value
        left = np.divide(self.left, other.left, out=np.full(len(self.left), np.nan), where=other.left != 0)
        return self._with(other, ratio, ratio, left, 1 / other.value, (0.0, math.inf))

    def _with(
        self,
        other: "Estimate",
        weight: float,
        value: float,
        left: Float[Array, " B"],
        scale: float,
        ends: tuple[float, float],
    ) -> "Estimate":
        """(self - weight other) times a scale, as far as scores and draws are concerned."""
        scored, draws = None, _none()
        if self.scored is not None and other.scored is not None:
            scored = self.scored.less(other.scored, weight).times(scale)
        if len(self.draws) == len(other.draws):
            draws = scale * (self.draws - weight * other.draws)
        return Estimate(value, left, self.sizes, min(self.units, other.units), ends, scored, draws)


def _wilson(value: float, error: float, reach: float, units: int, scored: bool) -> tuple[float, float]:
    """Wilson's interval of a share, for the number of independent trials that has this error."""
    p = min(max(value, 0.0), 1.0)
    trials = p * (1 - p) / error**2 if error > 0 and 0 < p < 1 else float(units)
    if scored and min(p, 1 - p) * units < 1:  # less than one image's worth of errors says no more than none
        trials = min(trials, float(units))
    z = reach * reach
    middle = (p + z / (2 * trials)) / (1 + z / trials)
    half = reach / (1 + z / trials) * math.sqrt(p * (1 - p) / trials + z / (4 * trials * trials))
    return max(middle - half, 0.0), min(middle + half, 1.0)
