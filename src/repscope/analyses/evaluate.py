"""evaluate: how well do embeddings tell the classes of a set of images?"""

from collections.abc import Sequence
from typing import Any

from repscope.analyses._evaluated import Evaluated
from repscope.analyses._evaluated_blocks import blocks
from repscope.analyses._examples import chosen, examples
from repscope.analyses._layout import Method
from repscope.analyses._measured import measured
from repscope.analyses._provenance import of_set
from repscope.analyses._sets import asked as titled
from repscope.analyses._sets import encoders_of, together
from repscope.analyses._study import Progress
from repscope.analyses._task import task
from repscope.analyses.map import map as map_of
from repscope.errors import UnfitData, WrongUsage
from repscope.report import Block, Note, Report
from repscope.store import Embedded

FILE = "metrics.json"
NEAREST = (1, 5, 10, 20)
THUMBS = 1_500_000
"""Bytes of thumbnails beside each map."""

__all__ = ["evaluate", "metrics_json"]


def evaluate(
    images: Embedded,
    encoders: str | Sequence[str] | None = None,
    *,
    pool: str | None = None,
    layer: int = -1,
    k: int | Sequence[int] = NEAREST,
    group: Sequence[Any] | None = None,
    train: Any = None,
    seed: int = 0,
    queries: int = 10,
    maps: Sequence[Method] = (),
    progress: Progress | None = None,
) -> Report:
    """Variance, silhouette, precision at k, k-NN, linear probe and few-shot accuracy, and how encoders differ.

    The same images, split and episodes for every encoder, so that differences are paired. Images without a label
    are left out of what is asked of classes; without labels of two classes only what needs none is answered, and a
    warning says so. `metrics_json` gives the table as plain values, and a saved report has it as metrics.json.

    Args:
        images: The set.
        encoders: Which of its encoders; all where not given.
        pool: `cls` or `mean`; what each encoder's authors use where not given.
        layer: Which of the layers that were kept.
        k: Neighbours at which precision is given.
        group: A name for each image's patient, video or scene: whole groups are held out, and left out for intervals,
            and no image finds one of its own group.
        train: Which images to learn from, as a mask (N,), or another set with the same encoders; where not given a
            fifth of each class is held out.
        seed: Of the split, episodes, blocks and examples.
        queries: Images whose nearest are shown as pictures, where the set has pictures.
        maps: Methods by which the images are mapped as well: `pca`, `tsne`, `umap`.
        progress: Called with encoders done and encoders in all.

    Raises UnknownName for an encoder, pool or layer that was not kept, UnfitData for fewer than two images or masks
    and groups of another length, WrongUsage for a split that parts a group or a k below 1.

    >>> import numpy as np
    >>> from repscope.store import Given
    >>> y = np.arange(60) % 3
    >>> x = np.eye(3)[y] + np.random.default_rng(0).normal(size=(60, 3)) / 4
    >>> report = evaluate(Given({"mine": x}, labels=list(y)), k=5)
    >>> metrics_json(report)["mine"]["nn_precision_at_5"]["value"] > 0.9
    True
    """
    ks = tuple(sorted({k} if isinstance(k, int) else set(k)))
    if not ks or ks[0] < 1:
        raise WrongUsage(f"Precision wants neighbours, 1 or more; got {list(ks)}.")
    if len(images) < 2:
        raise UnfitData(f"An evaluation wants 2 images or more; got {len(images)}.")
    names = encoders_of(images, encoders)
    if isinstance(train, Embedded):
        together(images, train, names)
    asked = task(images, group, train, seed)
    vectors, found = {}, []
    for place, name in enumerate(names):
        x = asked.vectors(name, pool, layer)
        found.append(measured(name, x, asked, ks, seed))
        if queries > 0:
            vectors[name] = x
        if progress is not None:
            progress(place + 1, len(names))
    evaluated = Evaluated(tuple(found), asked, ks)
    pictures = examples(vectors, asked, chosen(asked, queries, seed)) if vectors else []
    options = {
        "pool": pool,
        "layer": layer,
        "k": list(ks),
        "group": group is not None,
        "seed": seed,
        "queries": queries,
    }
    options["train"] = "four fifths" if train is None else "a mask"
    if isinstance(train, Embedded):
        options["train"] = train.origin
    return Report(
        titled(images, names, layer),
        (*blocks(evaluated, [*pictures]), *_mapped(images, names, maps, pool, layer, seed)),
        of_set(images, "evaluate", names, **options),
        files={FILE: evaluated.json()},
    )


def metrics_json(report: Report) -> dict[str, Any]:
    """Encoder -> measure -> value, ci, n and null, as the saved metrics.json has it.

    Raises UnfitData for a report of another question.
    """
    if FILE not in report.files:
        raise UnfitData(f"{FILE} belongs to a report of `evaluate`; this is {report.title!r}.")
    return report.files[FILE]


def _mapped(
    images: Embedded, names: Sequence[str], maps: Sequence[Method], pool: str | None, layer: int, seed: int
) -> list[Block]:
    """The blocks of every map that is asked for, the numbers beside it among them; a note where there is none."""
    found: list[Block] = []
    for method in maps:
        try:
            found += map_of(images, names, method=method, pool=pool, layer=layer, seed=seed, thumbs=THUMBS).blocks
        except UnfitData as error:
            found.append(Note(f"No map by {method}: {error}"))
    return found
