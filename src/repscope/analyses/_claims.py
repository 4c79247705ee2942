"""Claims: what was said of objectives from one encoder of each, asked again of runs that differ in nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.report import Number
from repscope.statistics.interval import LEVEL

Array = NDArray[np.float64]
Verdict = Literal["survives", "does not", "cannot be told"]


LIKENESS = "likeness"


@dataclass(frozen=True)
class Claim:
    """That one objective has the most (or least) of a reading.

    Attributes:
        said: In words.
        reading: Name of the metric, or `likeness`: mean debiased CKA with the runs of other objectives.
        objective: Which is claimed to be at the end.
        least: Whether it is claimed to have the least of it.
        among: The objectives of the encoders it was made from; none stands for all there are.
    """

    said: str
    reading: str
    objective: str
    least: bool = False
    among: tuple[str, ...] = ()


CLAIMS = tuple(
    Claim(said, reading, objective, bool(least), among=("dino", "ijepa", "vjepa", "distill"))
    for said, reading, objective, *least in (
        ("Self-distillation across views spreads widest: the highest effective rank", "effective_rank", "dino"),
        ("Proxy distillation concentrates: the lowest effective rank", "effective_rank", "distill", True),
        ("Proxy distillation is the most top-heavy: the largest top-10 share", "top10_share", "distill"),
        ("Proxy distillation needs the fewest components for 90 %", "components_90", "distill", True),
        ("Proxy distillation agrees most locally: the highest spatial coherence", "spatial_coherence", "distill"),
        ("The same without the mean patch: the highest centred coherence", "spatial_coherence_centred", "distill"),
        ("Proxy distillation is the weakest match: the least likeness to the others", LIKENESS, "distill", True),
        ("Latent prediction makes every patch unique: the highest patch entropy", "patch_entropy", "ijepa"),
        ("Self-distillation groups patches: the lowest patch entropy", "patch_entropy", "dino", True),
    )
)
"""Of DINOv2, I-JEPA, V-JEPA 2 and EUPE, by the deck of github.com/AbdelStark/latent-inspector; `the same` is ours."""


@dataclass(frozen=True)
class Judged:
    """What becomes of a claim.

    Attributes:
        rival: The objective that decided: the one it lost to, or came closest to losing to.
        difference: From that one, with the interval that decided.
    """

    verdict: Verdict
    rival: str
    difference: Number


def judged(claim: Claim, values: Mapping[str, Float[Array, "b s photos"]]) -> Judged | None:
    """A claim held against runs that differ in nothing but the objective; None where that was not trained.

    It survives where the interval (95 %) of the difference from every other objective is above 0. It
    does not where the interval of that from some other, at a level divided by their number, lies
    wholly on the other side. Else it cannot be told.

    Args:
        values: Of each objective's runs, by condition, seed and photo.
    """
    others = [name for name in values if name != claim.objective]
    if claim.objective not in values or not others:
        return None
    sign = -1 if claim.least else 1

    def ahead(level: float) -> dict[str, tuple[float, float]]:
        """The interval of how far the claim's objective is ahead of each other."""
        found = {}
        for name in others:
            _, low, high = paired(values[claim.objective], values[name], level)
            found[name] = (low, high) if sign > 0 else (-high, -low)
        return found

    strict = 1 - (1 - LEVEL) / len(others)
    plain, sure = ahead(LEVEL), ahead(strict)
    worst = min(others, key=lambda name: sure[name][1])
    if sure[worst][1] < 0:
        return _said("does not", claim, worst, values, strict)
    nearest = min(others, key=lambda name: plain[name][0])
    return _said("survives" if plain[nearest][0] > 0 else "cannot be told", claim, nearest, values, LEVEL)


def _said(
    verdict: Verdict, claim: Claim, rival: str, values: Mapping[str, Float[Array, "b s photos"]], level: float
) -> Judged:
    value, low, high = paired(values[claim.objective], values[rival], level)
    definition = f"{DEFINITION}, {level:.4g}." if level != LEVEL else f"{DEFINITION}, 95 %."
    count = values[rival][..., 0].size
    return Judged(verdict, rival, Number("difference", value, (low, high), n=count, of="pairs", definition=definition))


DEFINITION = (
    "Mean difference, over photos, between runs of the two objectives on one part of the data with one seed; t "
    "interval of other seeds and other photos, for these parts"
)


def paired(
    x: Float[Array, "b s photos"], y: Float[Array, "b s photos"], level: float = LEVEL
) -> tuple[float, float, float]:
    """Mean difference of pairs and its t interval: `within` of the differences (Student, 1908).

    >>> value, low, high = paired(np.array([[[3.0], [4], [5]]]), np.array([[[0.0], [1], [3]]]))
    >>> round(value, 2), round(low, 2), round(high, 2)
    (2.67, 1.23, 4.1)
    """
    return within(x - y, level)


def within(values: Float[Array, "b s photos"], level: float = LEVEL) -> tuple[float, float, float]:
    """The mean, and its t interval over runs and photos: other seeds and other photos would have given others.

    V = V_runs + V_photos: the variance of runs' means within conditions over their number, and of
    photos' means over theirs; degrees of freedom after Satterthwaite (1946). What runs make of some
    photos and not of others is in both, so the interval is a little too wide. For these conditions:
    what an objective does on one of them and not on another widens nothing. One photo has no spread,
    and the interval is for this photo.
    """
    from scipy.stats import t

    b, s, photos = values.shape
    runs, seen = values.mean(2), values.mean((0, 1))
    spread = np.square(runs - runs.mean(1, keepdims=True)).sum() / (b * (s - 1))
    parts = [(spread / (b * s), b * (s - 1))] + ([(seen.var(ddof=1) / photos, photos - 1)] if photos > 1 else [])
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / of for part, of in parts) if variance else 1.0
    half = float(t.ppf((1 + level) / 2, freedom) * np.sqrt(variance))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)
