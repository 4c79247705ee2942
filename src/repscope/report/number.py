"""Number: one measured value with all that must be known of it; and how a number becomes text."""

import math
from dataclasses import dataclass

from repscope.report.shown import Shown


@dataclass(frozen=True, slots=True)
class Null:
    """What the same number is where there is nothing to find.

    Attributes:
        kind: How the null was drawn: "torus shifts", "other images", "permutation", "chance".
        mean, q95: Mean and 95th percentile of the draws.
        p: (1 + #{draws >= value}) / (1 + draws); for measures where less is more alike, <=.
        draws: How many there were; 0 for an exact chance line.
        calibrated: (value - q95) / (best - q95), clamped at 0: the part of the way from the null
            to a perfect match.
        chance: The exact mean over all pairings of the rows, where it is known: the weaker null.
        lower: Whether less is more alike; q95 is then the 5th percentile, the end that is hard to pass.
    """

    kind: str
    mean: float
    q95: float
    p: float | None = None
    draws: int = 0
    calibrated: float | None = None
    chance: float | None = None
    lower: bool = False

    @property
    def exceeded(self) -> bool:
        """Whether the value is past what the null gives 95 times in 100."""
        return self.p is not None and self.p <= 0.05


@dataclass(frozen=True, slots=True)
class Number(Shown):
    """One measured value; without a value it says why there is none.

    Attributes:
        label: What it is called on the page.
        value: None where it cannot be computed; `reason` then says why.
        ci: Its interval, by bootstrap over images, at 95 %.
        n: How many things it is a value of (patches, images or pairs), named by `of`.
        definition: The formula, in words or symbols.
        caveats: When it misleads, as far as that is known here.
    """

    label: str
    value: float | None
    ci: tuple[float, float] | None = None
    null: Null | None = None
    n: int | None = None
    of: str = ""
    unit: str = ""
    definition: str = ""
    caveats: tuple[str, ...] = ()
    reason: str = ""


def say(value: float | None) -> str:
    """The only place where a number becomes text: three significant digits, three decimals at most above .001.

    >>> say(1234.5), say(0.98765), say(12.0), say(0.0000123), say(None)
    ('1,234', '0.988', '12.0', '1.23e-05', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-3:
        return f"{value:.3g}"
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3
    return f"{value:,.{digits}f}"


def spread(number: Number) -> str:
    """A number with its interval: "0.412 [0.39, 0.43]"."""
    if number.ci is None:
        return say(number.value)
    return f"{say(number.value)} [{say(number.ci[0])}, {say(number.ci[1])}]"


def against(null: Null | None) -> str:
    """A null in a few characters: "q95 0.034, p 0.001", or "chance 0.100" where it is exact."""
    if null is None:
        return ""
    if null.p is None:
        return f"{null.kind} {say(null.mean)}"
    return f"{'q05' if null.lower else 'q95'} {say(null.q95)}, p {say(null.p)}"
