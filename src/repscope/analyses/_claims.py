"""Claims: what was said of objectives from one encoder of each, asked again of runs that differ in nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.report import Number
from repscope.statistics.interval import LEVEL

Array = NDArray[np.float64]
Verdict = Literal["survives", "does not", "cannot be told"]


@dataclass(frozen=True)
class Claim:
    """That one objective has the most (or least) of a reading.

    Attributes:
        said: In words.
        reading: Name of the metric.
        objective: Which is claimed to be at the end.
        least: Whether it is claimed to have the least of it.
    """

    said: str
    reading: str
    objective: str
    least: bool = False


CLAIMS = (
    Claim("Self-distillation across views spreads widest: the highest effective rank", "effective_rank", "dino"),
    Claim("Proxy distillation concentrates: the lowest effective rank", "effective_rank", "distill", least=True),
    Claim("Proxy distillation is the most top-heavy: the largest top-10 share", "top10_share", "distill"),
    Claim("Proxy distillation needs the fewest components for 90 %", "components_90", "distill", least=True),
    Claim("Proxy distillation agrees most locally", "spatial_coherence_centred", "distill"),
    Claim("Latent prediction makes every patch unique: the highest patch entropy", "patch_entropy", "ijepa"),
    Claim("Self-distillation groups patches: the lowest patch entropy", "patch_entropy", "dino", least=True),
)
"""From a published comparison of DINOv2, I-JEPA, V-JEPA 2 and EUPE."""


def judged(claim: Claim, values: Mapping[str, Float[Array, " runs"]]) -> tuple[Verdict, str, Number] | None:
    """Verdict, the objective it was closest to (or lost to), and the difference from it with its interval.

    Welch's t interval of the difference of means over runs, 95 %. The claim survives where the
    difference from every other objective is above 0; it does not where some other objective's
    interval, at a level divided by their number, lies wholly on the other side. None where the
    objective was not trained, or nothing else was.
    """
    others = [name for name in values if name != claim.objective]
    if claim.objective not in values or not others:
        return None
    sign = -1 if claim.least else 1
    mine = values[claim.objective]
    gaps = {name: sign * (mine.mean() - values[name].mean()) for name in others}
    closest = min(gaps, key=lambda name: gaps[name])
    value, low, high = welch(mine, values[closest])
    survives = all(min(sign * end for end in welch(mine, values[name])[1:]) > 0 for name in others)
    strict = LEVEL + (1 - LEVEL) * (1 - 1 / len(others))
    lost = any(max(sign * end for end in welch(mine, values[name], strict)[1:]) < 0 for name in others)
    verdict: Verdict = "survives" if survives else "does not" if lost else "cannot be told"
    runs = len(mine) + len(values[closest])
    return verdict, closest, Number("difference", value, (low, high), n=runs, of="runs", definition=DEFINITION)


DEFINITION = "Mean over one objective's runs less the mean over the other's; Welch's t interval, 95 %."


def welch(x: Float[Array, " n"], y: Float[Array, " m"], level: float = LEVEL) -> tuple[float, float, float]:
    """Difference of means and its t interval without equal variances (Welch, 1947).

    >>> value, low, high = welch(np.array([3.0, 4, 5]), np.array([0.0, 1, 2]))
    >>> value, round(low, 2), round(high, 2)
    (3.0, 0.73, 5.27)
    """
    from scipy.stats import t

    gap = float(x.mean() - y.mean())
    one, two = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    if one + two == 0:
        return gap, gap, gap
    freedom = (one + two) ** 2 / (one**2 / (len(x) - 1) + two**2 / (len(y) - 1))
    half = float(t.ppf((1 + level) / 2, freedom) * np.sqrt(one + two))
    return gap, gap - half, gap + half


def between(
    alike: Float[Array, "runs runs"], groups: Sequence[str], count: int = 2000, seed: int = 0
) -> dict[tuple[str, str], tuple[float, tuple[float, float]]]:
    """Mean similarity of two groups' runs, and its bootstrap interval over runs.

    Runs are drawn with replacement within each group; a run is never compared with itself.
    """
    names = list(dict.fromkeys(groups))
    places = {name: np.flatnonzero(np.asarray(groups) == name) for name in names}
    generator = np.random.default_rng(seed)
    drawn = {name: generator.choice(rows, (count, len(rows))) for name, rows in places.items()}
    clear = alike.copy()
    np.fill_diagonal(clear, np.nan)
    found = {}
    for i, one in enumerate(names):
        for two in names[i:]:
            value = float(np.nanmean(clear[np.ix_(places[one], places[two])]))
            draws = clear[drawn[one][:, :, None], drawn[two][:, None, :]].reshape(count, -1)
            known = ~np.isnan(draws).all(1)
            low, high = np.quantile(np.nanmean(draws[known], axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            found[one, two] = value, (float(low), float(high))
    return found
