"""Retrieval: how many of the nearest images are of the same class."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._ranked import Ranked, ranked
from repscope.analyses._task import Task
from repscope.errors import UnfitData
from repscope.report import Null
from repscope.statistics import Estimate, Scored

Rows = Int[NDArray[np.intp], " m"]

Result = Estimate | str
"""An estimate, or why there is none."""


def searched(x: Float[NDArray[np.float32], "T D"], task: Task, k: int, *, centred: bool = False) -> Ranked:
    """The neighbours of each labelled image among the others."""
    rows = task.labelled
    return ranked(x[rows], task.groups[rows], k, centred=centred)


def precision(found: Ranked, task: Task, ks: Sequence[int]) -> dict[int, Result]:
    """For each k: of the k nearest, the share that has the query's class; mean over queries.

    A query whose class has no other image is not asked. Blocks are left out of queries and neighbours at once.
    """
    rows = task.labelled
    codes = task.codes[rows]
    queries = np.flatnonzero(np.bincount(codes)[codes] > 1)
    known: dict[int, Result] = {}
    for k in sorted(ks, reverse=True):
        try:
            same, near = _same(found, codes, queries, k)
        except UnfitData as error:
            known[k] = str(error)
            continue
        below = [each for each in ks if each <= k]
        return known | dict(zip(below, _estimates(found, task, queries, same, near, below), strict=True))
    return known


def _estimates(
    found: Ranked,
    task: Task,
    queries: Rows,
    same: NDArray[np.bool_],
    near: Int[NDArray[np.intp], "m k"],
    ks: Sequence[int],
) -> list[Estimate]:
    """The precision at each k, from the same neighbours; only queries that lose some of them are looked at anew."""
    rows = task.labelled
    codes, block, sizes = task.codes[rows], task.blocks[rows], task.sizes(rows)
    scores = np.stack([same[:, :k].mean(1) for k in ks])
    changes = np.zeros((len(ks), len(queries), len(sizes)), np.float32)
    lost = block[near]
    try:
        for each in np.flatnonzero(sizes):
            some = np.flatnonzero((lost == each).any(1) & (block[queries] != each))
            anew, _ = _same(found, codes, queries[some], max(ks), block == each)
            for place, k in enumerate(ks):
                changes[place, some, each] = anew[:, :k].mean(1) - scores[place, some]
    except UnfitData:  # too few are left: no interval
        changes[:] = np.nan
    owners = task.groups[rows][queries]
    return [Estimate.of(Scored(s, block[queries], owners, c), sizes) for s, c in zip(scores, changes, strict=True)]


def _same(
    found: Ranked, codes: Rows, queries: Rows, k: int, out: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.bool_], Int[NDArray[np.intp], "m k"]]:
    """Whether each of the k nearest of each query has its class, and which they are."""
    near, _ = found.first(k, out, queries)
    return codes[near] == codes[queries][:, None], near


def chance(task: Task) -> Null:
    """The share that neighbours chosen blindly have: exact, by the sizes of the classes and of each query's group."""
    rows = task.labelled
    codes, owners = task.codes[rows], task.groups[rows]
    size, (_, both, joint) = np.bincount(codes), _counts(codes, owners)
    _, group, members = _counts(owners)
    asked = size[codes] > 1
    same = (size[codes] - joint[both])[asked]
    others = (len(rows) - members[group])[asked]
    mean = float(np.mean(same / np.maximum(others, 1)))
    return Null("chance", mean, mean)


def _counts(*columns: Int[NDArray[np.intp], " N"]):
    found = np.unique(np.stack(columns), axis=1, return_inverse=True, return_counts=True)
    return found[0], found[1].ravel(), found[2]
