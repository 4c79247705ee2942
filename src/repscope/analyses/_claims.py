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

    The t interval of the mean difference between runs of one condition and seed, 95 %. The claim
    survives where the interval of every difference is above 0; it does not where that from some
    other objective, at a level divided by their number, lies wholly on the other side. None where
    the objective was not trained, or nothing else was.

    Args:
        values: Of each objective's runs, in one order of condition and seed.
    """
    others = [name for name in values if name != claim.objective]
    if claim.objective not in values or not others:
        return None
    sign = -1 if claim.least else 1
    mine = values[claim.objective]
    gaps = {name: sign * (mine.mean() - values[name].mean()) for name in others}
    closest = min(gaps, key=lambda name: gaps[name])
    value, low, high = paired(mine, values[closest])
    survives = all(min(sign * end for end in paired(mine, values[name])[1:]) > 0 for name in others)
    strict = LEVEL + (1 - LEVEL) * (1 - 1 / len(others))
    lost = any(max(sign * end for end in paired(mine, values[name], strict)[1:]) < 0 for name in others)
    verdict: Verdict = "survives" if survives else "does not" if lost else "cannot be told"
    return verdict, closest, Number("difference", value, (low, high), n=len(mine), of="pairs", definition=DEFINITION)


DEFINITION = (
    "Mean difference between runs of the two objectives on one part with one seed; t interval over pairs, 95 %."
)


def paired(x: Float[Array, " n"], y: Float[Array, " n"], level: float = LEVEL) -> tuple[float, float, float]:
    """Mean difference of pairs and its t interval (Student, 1908).

    >>> value, low, high = paired(np.array([3.0, 4, 5]), np.array([0.0, 1, 3]))
    >>> round(value, 2), round(low, 2), round(high, 2)
    (2.67, 1.23, 4.1)
    """
    from scipy.stats import t

    gaps = x - y
    half = float(t.ppf((1 + level) / 2, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps)))
    return float(gaps.mean()), float(gaps.mean() - half), float(gaps.mean() + half)


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
