"""Set readings: what is read of the embeddings of a set, with a jackknife over its images."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope import metrics
from repscope.accumulators import Moments
from repscope.analyses._numbers import Value, valued
from repscope.analyses._set_pairs import valued_rows
from repscope.metrics import Reading
from repscope.report import Number
from repscope.statistics import groups, jackknife, lowest

WITHIN = 2000
"""Images whose rows are read where a reading wants all pairs of them."""
LEAST = 20
PATCHY = ("patch_entropy",)
"""Readings of one image's patches alone, beside those that want their grid."""

Embedding = Float[NDArray[np.floating], "N D"]


def of_embeddings() -> list[Reading]:
    """The readings that say something of one vector per image."""
    return [each for each in metrics.readings() if each.needs != "grid" and each.name not in PATCHY]


def set_numbers(x: Embedding, ids: Sequence[str], step: Callable[[], None] = lambda: None) -> dict[str, Number]:
    """Each reading of these embeddings: moments of all images, rows of those whose ids hash lowest."""
    parts = groups(ids)
    moments = [Moments().of(x[part]) for part in parts]
    step()
    left = [_sum(each for k, each in enumerate(moments) if k != gone) for gone in range(len(parts))]
    rows = lowest(ids, WITHIN)
    dealt = groups([str(ids[row]) for row in rows])
    some = [x[rows], *(x[np.delete(rows, group)] for group in dealt)]
    found = {}
    for reading in of_embeddings():
        if reading.needs == "moments":
            values = [valued(reading.compute, each) for each in (_sum(moments), *left)]
            found[reading.name] = _number(reading, values, len(x), x.shape[1], len(x))
    for reading, values in _of_rows(some).items():
        found[reading.name] = _number(reading, values, len(rows), x.shape[1], len(x))
    step()
    return {reading.name: found[reading.name] for reading in of_embeddings()}


def _sum(moments: Iterable[Moments]) -> Moments:
    return sum(moments, Moments())


def _of_rows(some: Sequence[Embedding]) -> dict[Reading, list[Value]]:
    """Each reading that wants rows, of all of them and without one group each."""
    wanted = [reading for reading in of_embeddings() if reading.needs == "rows"]
    found: dict[str, list[Value]] = {reading.name: [] for reading in wanted}
    for x in some:
        rows = valued_rows(x)  # what readings share is derived once, and then let go
        for reading in wanted:
            found[reading.name].append(rows if isinstance(rows, str) else valued(reading.of, rows))
    return {reading: found[reading.name] for reading in wanted}


def _number(reading: Reading, values: Sequence[Value], n: int, width: int, whole: int) -> Number:
    """The value of all, with the interval that those without one group each give."""
    value, *left = values
    common: dict[str, Any] = {"label": reading.title, "unit": reading.unit, "definition": reading.definition}
    if isinstance(value, str):
        return Number(value=None, reason=value, n=n, of="images", **common)
    caveats = [*reading.caveats(n, width)]
    if n < whole:
        caveats.append(f"of the {n:,} images whose ids hash lowest")
    known = [each for each in left if not isinstance(each, str)]
    ci = None
    if whole < LEAST:
        caveats.append(f"no interval under {LEAST} images")
    elif len(known) < len(left):
        caveats.append("no interval: it is undefined without some tenth of the images")
    else:
        ci = jackknife(value, known)
        if len(set(known)) == 1:
            caveats.append("it is the same without any tenth of the images: no width is not no doubt")
    return Number(value=value, ci=ci, n=n, of="images", caveats=tuple(caveats), **common)


def moment_numbers(moments: Moments) -> dict[str, Number]:
    """The readings of a spectrum of all patches of a set, which are kept as one sum: no interval."""
    found = {}
    for reading in metrics.readings():
        if reading.needs != "moments":
            continue
        value = valued(reading.compute, moments)
        caveats = (*reading.caveats(moments.n, moments.width), "no interval: the patches of all images are one sum")
        common: dict[str, Any] = {"label": reading.title, "unit": reading.unit, "definition": reading.definition}
        if isinstance(value, str):
            found[reading.name] = Number(value=None, reason=value, n=moments.n, of="patches", **common)
        else:
            found[reading.name] = Number(value=value, n=moments.n, of="patches", caveats=caveats, **common)
    return found
