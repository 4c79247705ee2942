"""Centroids: how alike the means of the classes are."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses._task import Task
from repscope.report import Heatmap, Number
from repscope.statistics import Estimate

Array = NDArray[np.float64]
MOST = 30
"""Classes in one picture."""
DEFINITION = {
    False: "Cosine between the means of two classes' embeddings. Where all embeddings share a large mean, all are near 1.",
    True: "Cosine between the means of two classes' embeddings, less the mean of all labelled ones.",
}


def heatmaps(name: str, x: Float[NDArray[np.float32], "T D"], task: Task) -> list[Heatmap]:
    """The cosine of every two class means, raw and centred, with intervals over images."""
    rows = task.labelled
    sizes = np.bincount(task.codes[rows], minlength=len(task.classes))
    shown = np.sort(np.argsort(-sizes, kind="stable")[: min(MOST, int((sizes > 0).sum()))])
    sums, counts = _sums(x[rows], task)
    names = tuple(task.classes[each] for each in shown)
    more = int((sizes > 0).sum()) - len(shown)
    caption = f"The {len(shown)} largest of {len(shown) + more} classes. " if more else ""
    return [
        Heatmap(
            f"Likeness of classes, {'centred' if centred else 'raw'}: {name}",
            names,
            names,
            _numbers(sums, counts, shown, task, centred),
            (-1.0, 1.0),
            f"{caption}{DEFINITION[centred]} Intervals are over images.",
        )
        for centred in (False, True)
    ]


def _sums(x: Float[NDArray[np.float32], "n D"], task: Task) -> tuple[Float[Array, "B C D"], Float[Array, "B C"]]:
    """Sums and counts of each block's images of each class."""
    codes, blocks = task.codes[task.labelled], task.blocks[task.labelled]
    shape = (int(task.blocks.max()) + 1, len(task.classes))
    keys = blocks * shape[1] + codes
    order = np.argsort(keys, kind="stable")
    here, first = np.unique(keys[order], return_index=True)
    sums = np.zeros((shape[0] * shape[1], x.shape[1]))
    sums[here] = np.add.reduceat(x[order].astype(np.float64), first, 0)
    return sums.reshape(*shape, -1), np.bincount(keys, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _cosines(sums: Float[Array, "C D"], counts: Float[Array, " C"], shown: NDArray[np.intp], centred: bool) -> Array:
    means = sums[shown] / np.where(counts[shown] > 0, counts[shown], np.nan)[:, None]
    if centred:
        means = means - sums.sum(0) / counts.sum()
    length = np.linalg.norm(means, axis=1, keepdims=True)
    means = np.divide(means, length, out=np.full_like(means, np.nan), where=length > 0)
    return np.clip(means @ means.T, -1, 1)


def _numbers(
    sums: Float[Array, "B C D"], counts: Float[Array, "B C"], shown: NDArray[np.intp], task: Task, centred: bool
) -> tuple[tuple[Number, ...], ...]:
    whole, all_counts = sums.sum(0), counts.sum(0)
    value = _cosines(whole, all_counts, shown, centred)
    left = np.stack(
        [_cosines(whole - s, all_counts - c, shown, centred) for s, c in zip(sums, counts, strict=True)]
        if len(sums) > 1
        else [np.full_like(value, np.nan)]
    )
    return tuple(
        tuple(_number(value[i, j], left[:, i, j], int(all_counts[a] + (a != b) * all_counts[b]), counts, i == j, task)
              for j, b in enumerate(shown))
        for i, a in enumerate(shown)
    )


def _number(
    value: float, left: Float[Array, " B"], n: int, counts: Float[Array, "B C"], same: bool, task: Task
) -> Number:
    label = "Cosine of class means"
    if not np.isfinite(value):
        return Number(label, None, reason="The mean has no direction: it is zero.")
    if same:
        return Number(label, 1.0, n=n, of="images", caveats=("a mean with itself",))
    ends = Estimate(float(value), left, counts.sum(1), task.units(task.labelled), (-1.0, 1.0)).interval()
    caveats = () if ends else ("no interval: too few images of a class to leave some out",)
    return Number(label, float(value), ends, n=n, of="images", caveats=caveats)
