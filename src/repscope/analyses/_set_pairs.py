"""Set pairs: every pair measure of every two encoders over the embeddings of a set, with null and interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations as _ordered
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._numbers import Value, valued
from repscope.errors import RepscopeError
from repscope.metrics import Pair, Rows
from repscope.report import Null, Number, say
from repscope.statistics import groups, jackknife, lowest, null_of, permutations

WITHIN = 512
"""Images that nulls and intervals are drawn from: every draw costs a whole computation."""
WHOLE = 4096
"""Images of which n x n matrices are made."""
ORDERS = 200
OF_NEAREST = ("mutual_knn", "cknna")
"""Measures whose chance hangs on how many images there are: their null is of all."""

Embedding = Float[NDArray[np.floating], "N D"]
Key = tuple[str, int, int]
Found = dict[Key, Value]


def asked(measures: Sequence[Pair], count: int) -> list[tuple[Pair, int, int]]:
    """Every measure of every two of `count` encoders; both ways where the two are not the same."""
    return [(m, i, j) for m in measures for i, j in _ordered(range(count), 2) if i < j or not m.laws.swap]


def values(embeddings: Sequence[Embedding], measures: Sequence[Pair], step: Callable[[], None] | None = None) -> Found:
    """Each measure of each two, or in its own words why there is none."""
    found: Found = {}
    for measure in measures:
        rows = [valued_rows(x) for x in embeddings]  # anew for each: what many images give is large
        for _, i, j in asked([measure], len(rows)):
            x, y = rows[i], rows[j]
            found[measure.name, i, j] = (
                valued(measure.of, x, y)
                if isinstance(x, Rows) and isinstance(y, Rows)
                else next(each for each in (x, y) if isinstance(each, str))
            )
        if step:
            step()
    return found


def valued_rows(x: Embedding) -> Rows | str:
    """The rows, or why nothing can be measured of them."""
    try:
        return Rows(x)
    except RepscopeError as error:
        return str(error)


@dataclass(frozen=True, eq=False)
class Part:
    """The images that costly things are asked of: all, or those whose ids hash lowest.

    Attributes:
        rows: Their places in the set.
        without: For each group of a jackknife, the places of the part's other images.
        whole: Images of the set.
    """

    rows: Int[NDArray[np.intp], " m"]
    without: tuple[Int[NDArray[np.intp], " k"], ...]
    whole: int

    @classmethod
    def of(cls, ids: Sequence[str], size: int = WITHIN) -> "Part":
        rows = lowest(ids, size)
        dealt = groups([str(ids[row]) for row in rows])
        return cls(rows, tuple(np.delete(rows, group) for group in dealt), len(ids))

    @property
    def share(self) -> float:
        return len(self.rows) / self.whole

    @property
    def all(self) -> bool:
        return len(self.rows) == self.whole


class SetPairs:
    """What every two encoders have in common over a set.

    The value is of all images. Null and interval are of a part of them where there are many: there, p and
    the calibrated value compare the part's own value with its own draws, and the interval's width is brought
    to the whole set's number of images.

    Args:
        embeddings: Of each encoder.
        step: Called after each measure and each group.
    """

    def __init__(
        self,
        embeddings: Sequence[Embedding],
        measures: Sequence[Pair],
        ids: Sequence[str],
        within: int = WITHIN,
        seed: int = 0,
        step: Callable[[], None] = lambda: None,
    ):
        self.embeddings, self.measures, self.seed = embeddings, measures, seed
        self.part = Part.of(ids, within)
        self.bounded = {m.name for m in measures if getattr(m, "many", True) is None and len(ids) > WHOLE}
        self.of_part = values(self._some(self.part.rows), measures, step)
        free = [m for m in measures if m.name not in self.bounded]
        self.of_all = self.of_part if self.part.all else self.of_part | values(embeddings, free, step)
        self.left: list[Found] = []
        for rows in self.part.without:
            self.left.append(values(self._some(rows), measures))
            step()
        self.nulls = self._nulls(step)

    @staticmethod
    def steps(measures: Sequence[Pair], images: int, within: int) -> int:
        """How often `step` is called."""
        return len(measures) * (2 + (images > within)) + min(10, images)

    def _some(self, rows: NDArray[np.intp]) -> list[Embedding]:
        return [x[rows] for x in self.embeddings]

    def _nulls(self, step: Callable[[], None]) -> dict[Key, Null]:
        """The null of each measure of each two: the images of one are put in another order."""
        found, part = {}, permutations(len(self.part.rows), ORDERS, self.seed)
        for measure in self.measures:
            of_all = self._null_of_all(measure)
            rows = [valued_rows(x) for x in (self.embeddings if of_all else self._some(self.part.rows))]
            orders = permutations(self.part.whole, ORDERS, self.seed) if of_all else part
            for _, i, j in asked([measure], len(rows)):
                value = (self.of_all if of_all else self.of_part)[measure.name, i, j]
                if not isinstance(value, str):
                    x: Any = rows[i]
                    y: Any = rows[j]
                    draw = _of_nearest if of_all else _of_any
                    found[measure.name, i, j] = null_of("permutation", measure, value, *draw(measure, x, y, orders))
            step()
        return found

    def _null_of_all(self, measure: Pair) -> bool:
        return measure.name in OF_NEAREST and not self.part.all and measure.name not in self.bounded

    def number(self, measure: Pair, i: int, j: int) -> Number:
        """The measure of encoders i and j."""
        if i > j and measure.laws.swap:
            i, j = j, i
        key = measure.name, i, j
        value, bounded = self.of_all[key], measure.name in self.bounded
        common: dict[str, Any] = {"label": measure.title, "unit": measure.unit, "definition": measure.definition}
        if isinstance(value, str):
            return Number(value=None, reason=value, of="images", n=self.part.whole, **common)
        n = len(self.part.rows) if bounded else self.part.whole
        width = max(self.embeddings[k].shape[1] for k in (i, j))
        of_part = self.of_part[key]
        if isinstance(of_part, str):
            why = f"no null and no interval: of {len(self.part.rows):,} images it is undefined ({of_part})"
            caveats = (*measure.caveats(n, width), why)
            return Number(value=value, n=n, of="images", caveats=caveats, **common)
        interval, why = self._interval(measure, key, value)
        caveats = (*measure.caveats(n, width), *filter(None, (self._said(measure, of_part), why)))
        return Number(value=value, ci=interval, null=self.nulls.get(key), n=n, of="images", caveats=caveats, **common)

    def _said(self, measure: Pair, of_part: float) -> str:
        """What is of a part of the images."""
        part = f"the {len(self.part.rows):,} images whose ids hash lowest"
        if self.part.all:
            return ""
        if measure.name in self.bounded:
            return f"value, null and interval are of {part}"
        what = "the interval is" if self._null_of_all(measure) else "null and interval are"
        return f"{what} of {part}, where the value is {say(of_part)}; the width is brought to all images"

    def _interval(self, measure: Pair, key: Key, value: float) -> tuple[tuple[float, float] | None, str]:
        """The jackknife's interval, no further than the measure goes; or why there is none."""
        left = [found[key] for found in self.left]
        known = [each for each in left if not isinstance(each, str)]
        if len(known) < len(left):
            reason = next(each for each in left if isinstance(each, str))
            return None, f"no interval: without a tenth of the images it is undefined ({reason})"
        low, high = jackknife(value, known, 1.0 if measure.name in self.bounded else self.part.share)
        lower = measure.better == "lower"
        return (max(low, measure.best), high) if lower else (low, min(high, measure.best)), ""


Drawn = tuple[NDArray[np.floating], float | None]


def _of_any(measure: Pair, x: Rows, y: Rows, orders: Int[NDArray[np.intp], "R n"]) -> Drawn:
    """Draws of a measure, and its chance."""
    return measure.relabelled(x, y, orders), measure.chance(x, y)


def _of_nearest(measure: Any, x: Rows, y: Rows, orders: Int[NDArray[np.intp], "R N"]) -> Drawn:
    """The same of neighbours, which are few: no n x n matrix for any draw."""
    return np.array([measure.many(x, y, order) for order in orders]), float(measure.many_chance(x, y))
