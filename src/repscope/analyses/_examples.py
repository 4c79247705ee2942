"""Examples: images and the nearest to each, encoder by encoder."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._pictures import shown
from repscope.analyses._task import Task
from repscope.errors import RepscopeError
from repscope.frames import Frame
from repscope.nearest import nearest
from repscope.report import Gallery, Note, Picture

NEAREST, SIDE = 5, 160
Rows = Int[NDArray[np.intp], " Q"]


def chosen(task: Task, count: int, seed: int = 0) -> Rows:
    """Rows to ask about: one of each class in turn, drawn; any where there are no classes."""
    generator = np.random.default_rng(seed)
    rows = np.flatnonzero(task.own) if task.unlabelled else task.labelled
    rows = generator.permutation(rows)
    codes = task.codes[rows]
    rank = np.zeros(len(rows), int)
    for each in np.unique(codes):
        here = codes == each
        rank[here] = np.arange(here.sum())
    return rows[np.lexsort((codes, rank))[:count]]


def examples(
    vectors: Mapping[str, Float[NDArray[np.float32], "T D"]], task: Task, queries: Rows
) -> list[Gallery | Note]:
    """A gallery for each query: a row for each encoder, the nearest images of the set, those of its class marked."""
    own = np.flatnonzero(task.own)
    count = min(NEAREST, len(own) - 1)
    if not len(queries) or count < 1:
        return []
    near = {name: _found(x, own, queries, count) for name, x in vectors.items()}
    blocks: list[Gallery | Note] = []
    for place, row in enumerate(queries):
        try:
            blocks.append(_gallery(task, int(row), {name: rows[place] for name, rows in near.items()}))
        except RepscopeError as error:
            return [*blocks, Note(f"Retrieval is not shown in pictures: {error}")]
    return blocks


def _found(x: Float[NDArray[np.float32], "T D"], own: Rows, queries: Rows, count: int) -> Int[NDArray[np.intp], "Q k"]:
    """The nearest rows of the set to each query, itself left out."""
    rows = own[nearest(x[own], count + 1, x[queries]).rows]
    order = np.argsort(rows == queries[:, None], axis=1, kind="stable")  # itself goes to the end, or the farthest does
    return np.take_along_axis(rows, order, 1)[:, :count]


def _gallery(task: Task, row: int, near: Mapping[str, Int[NDArray[np.intp], " k"]]) -> Gallery:
    pictures = []
    for encoder, rows in near.items():
        pictures.append(Picture(f"{encoder}: {task.named(row) or task.ids[row]}", _pixels(task, row)))
        pictures += [Picture(_caption(task, row, int(each)), _pixels(task, int(each))) for each in rows]
    what = f"{task.named(row)}, {task.ids[row]}" if task.named(row) else str(task.ids[row])
    caption = f"The first of each row is asked about; then its nearest by cosine among {int(task.own.sum()):,}."
    return Gallery(f"Nearest to {what}", tuple(pictures), caption, across=len(next(iter(near.values()))) + 1)


def _caption(task: Task, row: int, found: int) -> str:
    name = task.named(found)
    if not name or not task.named(row):
        return name or str(task.ids[found])
    return f"{name} ✓" if task.codes[found] == task.codes[row] else name


def _pixels(task: Task, row: int) -> NDArray[np.uint8]:
    return shown(task.sets[0].photo(int(task.places[row])), Frame(), SIDE)
