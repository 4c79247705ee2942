"""Sampled: the patch grids of the images that a set kept them of."""

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from repscope.analyses._pairs import Meetings
from repscope.analyses._sets import counted, kept
from repscope.analyses._study import View, alike
from repscope.metrics import Pair, Rows
from repscope.report import Note
from repscope.statistics import lowest
from repscope.store import Embedded, Sample

MEETING = 24
"""Images whose patches encoders meet on; more would narrow intervals slowly and cost as much again."""

SAMPLE = "Embed with `sample` among what --keep names."


def samples_of(images: Embedded, names: Sequence[str], layer: int) -> tuple[dict[str, Sample], list[Note]]:
    """The sample of each encoder that has one, and a word on those without."""
    found = {name: kept(lambda name=name: images.sample(name, layer)) for name in names}
    none = [name for name, sample in found.items() if sample is None or not len(sample.rows)]
    notes = (
        [Note(f"No patch grids were kept of {', '.join(none)}: nothing is said of patches. {SAMPLE}")] if none else []
    )
    return {name: sample for name, sample in found.items() if name not in none}, notes


def common(images: Embedded, samples: Sequence[Sample], most: int = MEETING) -> Int[NDArray[np.intp], " R"]:
    """Places of the images that all samples hold; of many, those whose ids hash lowest."""
    rows = reduce(np.intersect1d, (sample.rows for sample in samples))
    return rows[lowest(images.ids[rows].tolist(), most)]


def views_of(samples: Sequence[Sample], rows: NDArray[np.intp], layer: int) -> Iterator[list[View]]:
    """Each of these images as every encoder saw it."""
    places = [{int(row): place for place, row in enumerate(sample.rows)} for sample in samples]
    for row in rows.tolist():
        yield [
            View(sample.patches[at[row]], None, None, sample.frames[at[row]], layer)
            for sample, at in zip(samples, places, strict=True)
        ]


def met(
    images: Embedded, samples: dict[str, Sample], measures: Sequence[Pair], layer: int
) -> tuple[Meetings, int, list[Note]]:
    """All encoders met on the patches of each image of the sample; how many there were, and who was left out."""
    meetings, flat, count = Meetings(len(samples), measures), [], 0
    every = list(samples.values())
    rows = common(images, every)
    for row, views in zip(rows, views_of(every, rows, layer), strict=True):
        if any(alike(view.patches) for view in views):
            flat.append(str(images.ids[row]))
            continue
        meetings.meet(views, [Rows(view.patches) for view in views])
        count += 1
    text = f"{counted(len(flat))} left out of the patches, one token for every patch: {', '.join(flat[:6])}."
    return meetings, count, [Note(text)] if flat else []
