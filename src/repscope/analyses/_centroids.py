"""Centroids: how alike the means of the classes are."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._task import Task
from repscope.report import Heatmap, Number
from repscope.statistics import Estimate

Array = NDArray[np.float64]
Rows = Int[NDArray[np.intp], " C"]
Cells = tuple[tuple[Number, ...], ...]
LABEL = "Cosine of class means"
MOST = 30
"""Classes in one picture."""
DEFINITION = {
    False: "Cosine between the means of two classes' embeddings. Where all share a large mean, all are near 1.",
    True: "Cosine between the means of two classes' embeddings, less the mean of all labelled ones. With nothing to "
    "find it is about -1 / (C - 1) of C classes of one size.",
}


def heatmaps(name: str, x: Float[NDArray[np.float32], "T D"], task: Task) -> list[Heatmap]:
    """The cosine of every two class means, raw and centred, with intervals over images."""
    rows = task.labelled
    sizes = np.bincount(task.codes[rows], minlength=len(task.classes))
    shown = np.sort(np.argsort(-sizes, kind="stable")[: min(MOST, int((sizes > 0).sum()))])
    sums, counts = _sums(x[rows], task, shown)
    names = tuple(task.classes[each] for each in shown)
    more = int((sizes > 0).sum()) - len(shown)
    caption = f"The {len(shown)} largest of {len(shown) + more} classes. " if more else ""
    return [
        Heatmap(
            f"Likeness of classes, {'centred' if centred else 'raw'}: {name}",
            names,
            names,
            _numbers(sums, counts, task, centred),
            (-1.0, 1.0),
            f"{caption}{DEFINITION[centred]} Intervals are over images.",
        )
        for centred in ((False, True) if len(shown) > 2 else (False,))  # two are opposite by construction
    ]


def _sums(x: Float[NDArray[np.float32], "n D"], task: Task, shown: Rows) -> tuple[Array, Array]:
    """(B, C + 1, D) sums and (B, C + 1) counts of each block's images of each class shown, and of all others."""
    place = np.full(len(task.classes), len(shown))
    place[shown] = np.arange(len(shown))
    shape = (int(task.blocks.max()) + 1, len(shown) + 1)
    keys = task.blocks[task.labelled] * shape[1] + place[task.codes[task.labelled]]
    order = np.argsort(keys, kind="stable")
    here, first = np.unique(keys[order], return_index=True)
    sums = np.zeros((shape[0] * shape[1], x.shape[1]))
    sums[here] = np.add.reduceat(x[order].astype(np.float64), first, 0)
    return sums.reshape(*shape, -1), np.bincount(keys, minlength=len(sums)).reshape(shape).astype(np.float64)


def _cosines(sums: Float[Array, "C D"], counts: Float[Array, " C"], centred: bool) -> Array:
    """Of every two class means; nan where one has no image or no direction."""
    means = sums[:-1] / np.where(counts[:-1] > 0, counts[:-1], np.nan)[:, None]
    if centred:
        means = means - sums.sum(0) / counts.sum()
    length = np.linalg.norm(means, axis=1, keepdims=True)
    means = np.divide(means, length, out=np.full_like(means, np.nan), where=length > 0)
    return np.clip(means @ means.T, -1, 1)


def _numbers(sums: Float[Array, "B C D"], counts: Float[Array, "B C"], task: Task, centred: bool) -> Cells:
    whole, all_counts = sums.sum(0), counts.sum(0)
    value = _cosines(whole, all_counts, centred)
    left = np.stack([_cosines(whole - s, all_counts - c, centred) for s, c in zip(sums, counts, strict=True)])
    places = range(len(value))
    made = {}
    for i in places:
        for j in places[i:]:
            made[i, j] = made[j, i] = _number(value[i, j], left[:, i, j], counts.sum(1), i == j, task)
    return tuple(tuple(made[i, j] for j in places) for i in places)


def _number(value: float, left: Float[Array, " B"], sizes: Float[Array, " B"], same: bool, task: Task) -> Number:
    n = len(task.labelled)
    if not np.isfinite(value):
        return Number(LABEL, None, reason="The mean has no direction: it is zero.")
    if same:
        return Number(LABEL, 1.0, (1.0, 1.0), n=n, of="images")
    ends = Estimate(float(value), left, sizes, task.units(task.labelled), (-1.0, 1.0)).interval()
    caveats = () if ends else ("no interval: too few images of a class to leave some out",)
    return Number(LABEL, float(value), ends, n=n, of="images", caveats=caveats)
