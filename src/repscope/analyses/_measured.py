"""Measured: everything `evaluate` asks of one encoder, as estimates or the reasons why there are none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses import _retrieval
from repscope.analyses._centroids import heatmaps
from repscope.analyses._components import Components, alike, components
from repscope.analyses._copies import near_copies
from repscope.analyses._few_shot import SHOTS, few_shot
from repscope.analyses._linear_probe import linear_probe
from repscope.analyses._retrieval import Result
from repscope.analyses._silhouette import silhouette
from repscope.analyses._task import Task
from repscope.analyses._voting import knn
from repscope.errors import RepscopeError
from repscope.report import Heatmap, Note, Null
from repscope.statistics import Estimate

PCS = (10, 50)
CENTRED = 5
"""The k at which precision is given with centred embeddings as well."""
ALIKE = "All embeddings of this encoder are alike: it tells no image from another."
FIRST = 10
"""Images to a dimension from which on shares of variance are not much too large."""

Vectors = Float[NDArray[np.float32], "T D"]


@dataclass(eq=False)
class Measured:
    """What was found of an encoder.

    Attributes:
        name: Of the encoder.
        width: Of its embeddings.
        results: Key -> estimate, or why there is none.
        nulls: Key -> what it is with nothing to find.
        caveats: Key -> when it misleads.
        counts: Key -> images it is of.
        certain: Keys whose value follows from the width: no encoder is ahead by them.
        cumulative: The share of the first 1, 2, ... components; empty where there are none.
        matrices: How alike the classes are.
        notes: What to mind.
    """

    name: str
    width: int
    results: dict[str, Result] = field(default_factory=dict)
    nulls: dict[str, Null] = field(default_factory=dict)
    caveats: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    certain: set[str] = field(default_factory=set)
    cumulative: list[Estimate] = field(default_factory=list)
    matrices: list[Heatmap] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def attempt(self, key: str, count: int, compute: Callable[[], Result]) -> None:
        """An answer, or in its own words why there is none."""
        self.counts[key] = count
        try:
            result = compute()
        except RepscopeError as error:
            result = str(error)
        known = isinstance(result, str) or np.isfinite(result.value)
        self.results[key] = result if known else "The result is not a finite number."


def measured(name: str, x: Vectors, task: Task, ks: Sequence[int], seed: int) -> Measured:
    """Everything asked of one encoder's vectors, a row for each of the task's."""
    found = Measured(name, x.shape[1])
    if alike(x[task.own]):
        found.notes.append(Note(f"{name}: {ALIKE}", "warning"))
        keys = [*(f"variance_{count}_pcs" for count in PCS), *([] if task.unlabelled else labelled_keys(ks))]
        found.results = dict.fromkeys(keys, ALIKE)
        return found
    _variance(found, x[task.own], task)
    if not task.unlabelled:
        _separation(found, x, task, seed)
        _retrieved(found, x, task, ks)
        _named(found, x, task, seed)
        found.matrices = heatmaps(name, x, task)
    return found


def labelled_keys(ks: Sequence[int]) -> list[str]:
    """The keys of what wants labels, in the order of the table."""
    return [
        "silhouette",
        "silhouette_cosine",
        *(f"nn_precision_at_{k}" for k in ks),
        *(f"nn_precision_at_{k}_centred" for k in ks if k == CENTRED),
        "knn_accuracy",
        "probe_accuracy",
        *(f"few_shot_{shots}_accuracy" for shots in SHOTS),
    ]


def _variance(found: Measured, x: Vectors, task: Task) -> None:
    rows = np.flatnonzero(task.own)
    made: Components | None = None
    reason = ""
    try:
        made = components(x)
        found.cumulative = made.cumulative(task.blocks[rows], task.units(rows))
    except RepscopeError as error:
        reason = str(error)
    for count in PCS:
        key = f"variance_{count}_pcs"

        def share(count: int = count) -> Result:
            if made is None:
                return reason
            if count >= len(x) and count < x.shape[1]:
                return f"{count} components want {count + 1} images or more; there are {len(x)}."
            return found.cumulative[min(count, len(found.cumulative)) - 1]

        found.attempt(key, len(x), share)
        if count >= x.shape[1]:
            found.caveats[key] = (f"embeddings of width {x.shape[1]} have no more components than these",)
            found.certain.add(key)
        elif len(x) < FIRST * x.shape[1]:
            found.caveats[key] = (f"{len(x)} images of {x.shape[1]} dimensions: with more it would be smaller",)


def _separation(found: Measured, x: Vectors, task: Task, seed: int) -> None:
    rows = task.labelled
    _, codes = np.unique(task.codes[rows], return_inverse=True)
    for key, cosine in (("silhouette", False), ("silhouette_cosine", True)):

        def separated(key: str = key, cosine: bool = cosine) -> Result:
            estimate, found.nulls[key] = silhouette(
                x[rows], codes, task.blocks[rows], task.units(rows), cosine=cosine, seed=seed
            )
            return estimate

        found.attempt(key, len(rows), separated)


def _retrieved(found: Measured, x: Vectors, task: Task, ks: Sequence[int]) -> None:
    rows, chance = task.labelled, _retrieval.chance(task)
    smallest = np.bincount(task.codes[rows])
    several = int(smallest[smallest > 1].sum())  # an image that is alone in its class asks for nothing
    smallest = int(smallest[smallest > 1].min())
    for centred in (False, True):
        asked = [k for k in ks if k == CENTRED or not centred]
        possible = [k for k in asked if k < len(rows)]
        keys = {k: f"nn_precision_at_{k}{'_centred' if centred else ''}" for k in asked}
        results: dict[int, Result] = {
            k: f"{k} neighbours want {k + 1} labelled images or more; there are {len(rows)}." for k in asked
        }
        if possible:
            near = _retrieval.searched(x, task, max(possible), centred=centred)
            results |= _retrieval.precision(near, task, possible)
        for k, key in keys.items():
            found.attempt(key, several, lambda k=k, results=results: results[k])
            found.nulls[key] = chance
            if smallest <= k:
                found.caveats[key] = (f"the smallest class has {smallest} images: not all of {k} can be of it",)


def _named(found: Measured, x: Vectors, task: Task, seed: int) -> None:
    asked, learnt = len(task.asked), np.bincount(task.codes[task.taught])
    largest = float((task.codes[task.asked] == learnt.argmax()).mean()) if asked else 0.0
    majority = Null("largest class", largest, largest)

    def voted() -> Result:
        estimate, near = knn(x, task)
        found.notes += near_copies(found.name, near, task)
        return estimate

    def probed() -> Result:
        made = linear_probe(x, task, seed)
        found.caveats["probe_accuracy"] = made.caveats or (f"the penalty chosen is C = {made.strength:g}",)
        return made.accuracy

    nothing = "No labelled image is left to name: every class has one image or one group."
    found.attempt("knn_accuracy", asked, voted if asked else lambda: nothing)
    found.attempt("probe_accuracy", asked, probed if asked else lambda: nothing)
    found.nulls |= {"knn_accuracy": majority, "probe_accuracy": majority}
    for shots in SHOTS:
        classes = max(int((learnt >= shots).sum()), 1)
        key = f"few_shot_{shots}_accuracy"
        found.attempt(key, asked, (lambda shots=shots: few_shot(x, task, shots, seed)) if asked else lambda: nothing)
        found.nulls[key] = Null("chance", 1 / classes, 1 / classes)
        if isinstance(result := found.results[key], Estimate):
            found.caveats[key] = (
                f"one episode's accuracy has a deviation of {float(result.draws.std(ddof=1)):.3f} over episodes",
            )
