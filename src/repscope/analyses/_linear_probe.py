"""Linear probe: how many held-out images logistic regression names rightly."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._split import held_out
from repscope.analyses._task import Task
from repscope.errors import UnfitData
from repscope.statistics import Estimate, Scored

Array = NDArray[np.floating]
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""C of scikit-learn, the weight of the data against that of the squared weights: from much regularisation to little."""
STEPS, TOLERANCE = 300, 1e-3


@dataclass(frozen=True, eq=False)
class Probed:
    """What the probe named.

    Attributes:
        accuracy: Share of held-out images named rightly.
        named: (M,) the class it gave each of them.
        strength: The C that was chosen.
        caveats: When that should be doubted.
    """

    accuracy: Estimate
    named: Int[NDArray[np.intp], " M"]
    strength: float
    caveats: tuple[str, ...]


def linear_probe(x: Float[NDArray[np.float32], "T D"], task: Task, seed: int = 0) -> Probed:
    """Multinomial logistic regression with an L2 penalty on standardised embeddings.

    The penalty is chosen on a fifth of the training part, whole groups where there are some, and the probe then
    fitted on all of it: held-out images choose nothing. Its interval is over held-out images (groups), for this
    training part.

    Raises UnfitData where one class is left to learn from.
    """
    taught, asked = task.taught, task.asked
    codes, groups = task.codes[taught], task.groups[taught] if task.grouped else None
    if len(np.unique(codes)) < 2:
        raise UnfitData("A probe wants two classes or more to learn from; there is one.")
    mean, scale = _standard(x[taught])
    bank = (x[taught] - mean) / scale
    strength, caveats = _chosen(bank, codes, groups, seed)
    fitted, finished = _fitted(bank, codes, strength)
    named = np.asarray(fitted.predict((x[asked] - mean) / scale))
    if not finished:
        caveats += (f"the fit had not come to rest after {STEPS} steps",)
    right = np.equal(named, task.codes[asked])
    return Probed(shared(right.astype(np.float64), task), named, strength, caveats)


def shared(
    scores: Float[NDArray[np.float64], " M"], task: Task, draws: Float[NDArray[np.float64], " E"] | None = None
) -> Estimate:
    """The mean of a score of each held-out image, with blocks of these left out."""
    asked = task.asked
    scored = Scored(scores, task.blocks[asked], task.groups[asked], np.zeros((len(asked), 0)))
    return Estimate.of(scored, task.sizes(asked), draws)


def _standard(x: Float[Array, "n D"]) -> tuple[Float[Array, " D"], Float[Array, " D"]]:
    """Mean and deviation of each dimension; 1 for one that does not vary."""
    mean, scale = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
    steady = scale <= 1e-6 * np.abs(x).max(0)
    return mean.astype(np.float32), np.where(steady, 1, scale).astype(np.float32)


def _chosen(
    x: Float[Array, "n D"], codes: Int[NDArray[np.intp], " n"], groups: Int[NDArray[np.intp], " n"] | None, seed: int
) -> tuple[float, tuple[str, ...]]:
    """The penalty with the best accuracy on a part of the training images; the heavier one of equals."""
    held = held_out(codes, groups, seed + 1)
    if not held.any() or len(np.unique(codes[~held])) < 2:
        middle = STRENGTHS[len(STRENGTHS) // 2]
        return middle, (f"too few training images to choose the penalty on: C = {middle:g}",)
    best, most, start = STRENGTHS[0], -1.0, None
    for strength in STRENGTHS:
        start, _ = _fitted(x[~held], codes[~held], strength, start)
        right = float(start.score(x[held], codes[held]))
        if right > most:
            best, most = strength, right
    edge = best in (STRENGTHS[0], STRENGTHS[-1])
    return best, (f"the chosen penalty, C = {best:g}, is the last of those tried",) if edge else ()


def _fitted(x: Float[Array, "n D"], codes: Int[NDArray[np.intp], " n"], strength: float, start: Any = None):
    """The probe, from where another one ended, and whether it came to rest."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    probe = LogisticRegression(C=strength, max_iter=STEPS, tol=TOLERANCE, warm_start=True)
    if start is not None:
        probe.coef_, probe.intercept_, probe.classes_ = start.coef_, start.intercept_, start.classes_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(x, codes)
    return probe, int(np.max(probe.n_iter_)) < STEPS
