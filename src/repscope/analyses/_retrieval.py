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
    return {k: _precision(found, task, k, queries) for k in ks}


def _precision(found: Ranked, task: Task, k: int, queries: Rows) -> Result:
    rows, sizes = task.labelled, task.sizes(task.labelled)
    codes, block = task.codes[rows], task.blocks[rows]
    try:
        scores = _shares(found, codes, queries, k)
    except UnfitData as error:
        return str(error)
    changes = np.zeros((len(queries), len(sizes)), np.float32)
    try:
        for each in range(len(sizes)):
            kept = np.flatnonzero(block[queries] != each)
            changes[kept, each] = _shares(found, codes, queries[kept], k, block == each) - scores[kept]
    except UnfitData:  # too few are left: no interval
        changes[:] = np.nan
    return Estimate.of(Scored(scores, block[queries], task.groups[rows][queries], changes), sizes)


def _shares(
    found: Ranked, codes: Rows, queries: Rows, k: int, out: NDArray[np.bool_] | None = None
) -> Float[NDArray[np.float64], " m"]:
    """Of the k nearest of each query, the share that has its class."""
    if not len(queries):
        return np.zeros(0)
    near, _ = found.first(k, out, queries)
    return (codes[near] == codes[queries][:, None]).mean(1)


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
