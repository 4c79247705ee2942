"""The blocks of an evaluation: findings, the table, curves, matrices, examples, and what to mind."""

from itertools import combinations

import numpy as np

from repscope.analyses._copies import copies
from repscope.analyses._evaluated import Evaluated
from repscope.analyses._split import SHARE
from repscope.report import Block, Cell, Curve, Line, Note, Table

CAPTION = (
    "Shares, 0 to 1, with 95 % intervals; below, what there is with nothing to find. One interval answers: with other "
    "images of the same kind, this many of them. Intervals of two encoders may overlap where their difference, "
    "which is paired, is sure."
)


def blocks(found: Evaluated, pictures: list[Block]) -> tuple[Block, ...]:
    """In reading order."""
    names = [one.name for one in found.encoders]
    return (
        *_said(found),
        _table(found, names),
        *_pairs(found, names),
        *_protocol(found),
        *_curves(found),
        *(matrix for one in found.encoders for matrix in one.matrices),
        *pictures,
        *(note for one in found.encoders for note in one.notes),
        *copies(found.task),
        *(Note(text) for text in found.task.notes),
    )


def _said(found: Evaluated) -> list[Note]:
    if found.task.unlabelled:
        return [Note(found.task.unlabelled, "warning")]
    notes = [Note(text, "finding") for text in found.findings()]
    if untold := found.untold():
        notes.append(Note(f"No encoder is ahead by: {', '.join(untold)}."))
    for one in found.encoders:
        null = one.nulls.get("silhouette")
        if null is not None and not null.exceeded:
            notes.append(Note(f"The silhouette of {one.name} is not past what labels dealt at random give."))
    if len(found.encoders) > 1:
        pairs = len(found.encoders) * (len(found.encoders) - 1) // 2
        told = f", at a level for all {pairs} pairs together" if pairs > 1 else ""
        notes.append(
            Note(
                "A finding is a difference whose paired interval leaves out 0"
                f"{told}; it is not corrected for the number of rows. It is of these encoders, "
                "not of how they were trained."
            )
        )
    return notes


def _table(found: Evaluated, names: list[str]) -> Table:
    """Source rows in order, a column for each encoder; for two, difference and ratio beside them."""
    header: tuple[str, ...] = ("measure", *names)
    two = len(names) == 2
    if two:
        header += ("difference", "ratio")
    rows: list[tuple[Cell, ...]] = []
    for key in found.keys:
        cells = [found.number(place, key) for place in range(len(names))]
        beside = [found.difference(0, 1, key), found.ratio(0, 1, key)] if two else []
        rows.append((cells[0].label, *cells, *beside))
    return Table("Evaluation", header, tuple(rows), CAPTION)


def _pairs(found: Evaluated, names: list[str]) -> list[Table]:
    """The differences of every two of more than two encoders."""
    if len(names) < 3:
        return []
    pairs = list(combinations(range(len(names)), 2))
    keys = [key for key in found.keys if key != "embedding_dim" and not key.endswith("_centred")]
    rows = tuple((f"{names[a]} less {names[b]}", *(found.difference(a, b, key) for key in keys)) for a, b in pairs)
    header = ("pair", *(found.number(0, key).label for key in keys))
    return [Table("Differences, paired", header, rows, "95 % each: of many, some leave out 0 by chance.")]


def _protocol(found: Evaluated) -> list[Note]:
    task = found.task
    if task.unlabelled:
        return []
    rows, counts = task.labelled, np.bincount(task.codes[task.labelled])
    counts = counts[counts > 0]
    sizes = f"{counts.min():,}" if counts.min() == counts.max() else f"{counts.min():,} to {counts.max():,}"
    whole = " No group is on both sides, and an image's own group is not among its neighbours." if task.grouped else ""
    kept = f"{len(task.taught):,} images are learnt from and {len(task.asked):,} named"
    how = (
        f", {SHARE:.0%} of each class held out"
        if len(task.sets) == 1 and abs(len(task.asked) / max(len(rows), 1) - SHARE) < 0.05
        else ""
    )
    return [
        Note(
            f"{len(rows):,} labelled images of {len(counts)} classes, {sizes} in each. Silhouette, precision and "
            f"matrices are of all of them; for accuracies {kept}{how}.{whole} Precision grows and variance shares "
            f"fall with the number of images: compare with others only at {int(task.own.sum()):,} images of this set."
        )
    ]


def _curves(found: Evaluated) -> list[Curve]:
    known = [one for one in found.encoders if one.cumulative]
    if not known:
        return []
    single, together = [], []
    for one in known:
        values = np.array([each.value for each in one.cumulative])
        places = tuple(map(float, range(1, len(values) + 1)))
        shares = np.diff(values, prepend=0.0)
        kept = int((shares > 1e-9).sum())  # below that it is rounding, on a logarithmic axis
        single.append(Line(one.name, places[:kept], tuple(map(float, shares[:kept]))))
        ends = [each.interval() for each in one.cumulative]
        low, high = zip(*(each or (0.0, 0.0) for each in ends), strict=True)
        banded = None not in ends
        together.append(
            Line(one.name, places, tuple(map(float, values)), low if banded else (), high if banded else ())
        )
    caption = f"Principal components of {int(found.task.own.sum()):,} embeddings, less their mean."
    return [
        Curve(
            "Variance of each component", tuple(single), "component", "share of variance", True, True, caption=caption
        ),
        Curve(
            "Variance of the first components",
            tuple(together),
            "components",
            "share of variance together",
            log_x=True,
            caption=f"{caption} Bands are 95 % over images.",
        ),
    ]
