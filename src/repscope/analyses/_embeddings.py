"""Embeddings: one vector per photo, compared over the photos."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import RepscopeError
from repscope.metrics import Pair, Rows
from repscope.report import Block, Note, Number, Table
from repscope.statistics import null_of, permutations

LEAST = 20


def embedding_blocks(
    names: Sequence[str], embeddings: Sequence[Float[NDArray[np.floating], "N D"]], measures: Sequence[Pair]
) -> list[Block]:
    """A table of every pair measure over the photos' embeddings, with a permutation null; a note under 20 photos."""
    count = len(embeddings[0])
    if count < LEAST:
        return [Note(f"Embeddings are compared from {LEAST} photos on; there are {count}.")]
    rows, orders = [Rows(each) for each in embeddings], permutations(count)
    lines = []
    for i, j in combinations(range(len(names)), 2):
        for a, b in ((i, j), (j, i)):
            asked = [m for m in measures if a < b or not m.laws.swap]
            cells = tuple(embedding_number(m, rows[a], rows[b], orders) if m in asked else "as above" for m in measures)
            lines.append((f"{names[a]}, {names[b]}", *cells))
    caption = f"One vector per photo, over {count} photos; the null permutes the photos of one encoder."
    return [Table("Embeddings", ("pair", *(m.title for m in measures)), tuple(lines), caption)]


def embedding_number(measure: Pair, x: Rows, y: Rows, orders: NDArray[np.intp]) -> Number:
    """The measure over the photos of two encoders, with its permutation null."""
    common: dict[str, Any] = {"label": measure.title, "unit": measure.unit, "definition": measure.definition}
    try:
        value = measure.of(x, y)
        null = null_of("permutation", measure, value, measure.relabelled(x, y, orders), measure.chance(x, y))
    except RepscopeError as error:
        return Number(value=None, reason=str(error), **common)
    caveats = (*measure.caveats(len(x), max(x.width, y.width)), "one value over all photos: no interval")
    return Number(value=value, null=null, n=len(x), of="photos", caveats=tuple(caveats), **common)
