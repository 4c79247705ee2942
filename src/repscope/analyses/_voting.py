"""Voting: how many held-out images their nearest training images name rightly."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._ranked import Ranked, ranked
from repscope.analyses._task import Task
from repscope.errors import UnfitData
from repscope.monitor.neighbours import NEIGHBOURS, TEMPERATURE
from repscope.statistics import Estimate, Scored


def knn(x: Float[NDArray[np.float32], "T D"], task: Task) -> tuple[Estimate, Ranked]:
    """Share of held-out images that the vote of their 20 nearest of the training part names; and those neighbours.

    Weights are exp(cosine / .07), after the training part's mean is taken away, as in
    `monitor.neighbours.accuracy`. Blocks are left out of both parts at once; the mean stays.

    Raises UnfitData where there are fewer training images than neighbours.
    """
    bank, asked = task.taught, task.asked
    found = ranked(x[bank], task.groups[bank], NEIGHBOURS, x[asked], task.groups[asked], centred=True)
    known, truth, count = task.codes[bank], task.codes[asked], len(task.classes)
    sizes = task.sizes(np.concatenate([bank, asked]))
    right, near = _right(found, known, truth, count)
    changes = np.zeros((len(asked), len(sizes)), np.float32)
    lost = task.blocks[bank][near]
    try:
        for each in np.flatnonzero(sizes):
            # only those that lose some of their neighbours are looked at anew
            some = np.flatnonzero((lost == each).any(1) & (task.blocks[asked] != each))
            anew, _ = _right(found, known, truth, count, task.blocks[bank] == each, some)
            changes[some, each] = anew - right[some]
    except UnfitData:  # too few are left: no interval
        changes[:] = np.nan
    return Estimate.of(Scored(right, task.blocks[asked], task.groups[asked], changes), sizes), found


def _right(
    found: Ranked,
    known: Int[NDArray[np.intp], " N"],
    truth: Int[NDArray[np.intp], " M"],
    classes: int,
    without: NDArray[np.bool_] | None = None,
    queries: Int[NDArray[np.intp], " m"] | None = None,
) -> tuple[Float[NDArray[np.float64], " m"], Int[NDArray[np.intp], "m k"]]:
    """Whether the vote of its neighbours names each query rightly, and which they are."""
    near, cosine = found.first(NEIGHBOURS, without, queries)
    truth = truth if queries is None else truth[queries]
    # the largest weight is 1, and equal votes fall to the first class as in the monitor
    weights = np.exp((cosine - cosine[:, :1]).astype(np.float64) / TEMPERATURE)
    place = np.arange(len(near))[:, None] * classes + known[near]
    votes = np.bincount(place.ravel(), weights.ravel(), minlength=len(near) * classes).reshape(-1, classes)
    return (votes.argmax(1) == truth).astype(np.float64), near
