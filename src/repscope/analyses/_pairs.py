"""Pairs: every pair measure of every two encoders, photo by photo, with its nulls."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from repscope.analyses._numbers import Value, number, valued
from repscope.analyses._study import View
from repscope.errors import RepscopeError, UnknownName
from repscope.frames import Overlay, registered
from repscope.metrics import Pair, Rows, catalogue, pairs
from repscope.report import Null, Number
from repscope.statistics import null_of, other_images, torus_shifts
from repscope.statistics.nulls import IMAGES

Array = NDArray[np.floating]
LEAST_IMAGES = 5  # 44 ways to give each photo another's, so p can be .03
SHIFTED = 199
ORDER = ("linear_cka", "mutual_knn", "cknna", "procrustes", "ridge_map", "rsa", "cca")
ON_REQUEST = ("linear_cka_biased",)
"""Pair measures in the order shown, and those shown only where they are asked for."""


def measures_of(also: Sequence[str]) -> list[Pair]:
    """Every pair measure, the best known first; those shown only on request where they are asked for."""
    if unknown := set(also) - set(catalogue):
        raise UnknownName("metric", min(unknown), catalogue, "metrics")
    known = {pair.name: pair for pair in pairs() if pair.name not in ON_REQUEST or pair.name in also}
    return sorted(known.values(), key=lambda pair: ORDER.index(pair.name) if pair.name in ORDER else len(ORDER))


@dataclass
class Meeting:
    """Two encoders, in this order, over the photos so far."""

    values: dict[str, list[Value]] = field(default_factory=dict)
    shifted: dict[str, list[Array]] = field(default_factory=dict)
    chance: dict[str, list[float]] = field(default_factory=dict)
    kept: list[tuple[Rows, Rows]] = field(default_factory=list)
    overlays: list[Overlay] = field(default_factory=list)


class Meetings:
    """All pairs of `count` encoders under these measures; a measure that does not swap is asked both ways."""

    def __init__(self, count: int, measures: Sequence[Pair]):
        self.measures = tuple(measures)
        self.met = {(i, j): Meeting() for i in range(count) for j in range(count) if i != j}
        self._known: dict[tuple[str, int, int], tuple[Number, list[Null]]] = {}

    def meet(self, views: Sequence[View], rows: Sequence[Rows]) -> None:
        """Take in one photo: its views and, beside them, the rows of each on its own grid."""
        again: dict[object, Rows] = {}
        for i, j in combinations(range(len(views)), 2):
            x, y, overlay = registered(views[i].patches, views[i].frame, views[j].patches, views[j].frame)
            pair = [
                rows[k]
                if patches is views[k].patches
                else again.setdefault((k, overlay.grid, overlay.frame), Rows(patches))
                for k, patches in ((i, x), (j, y))
            ]
            for here, there, a, b in ((i, j, *pair), (j, i, *reversed(pair))):
                self._ask(self.met[here, there], a, b, overlay, forward=here < there)

    def _ask(self, meeting: Meeting, x: Rows, y: Rows, overlay: Overlay, forward: bool) -> None:
        meeting.overlays.append(overlay)
        shifts = torus_shifts(overlay.grid)
        for measure in self.measures:
            if not forward and measure.laws.swap:
                continue
            value = valued(measure.of, x, y)
            meeting.values.setdefault(measure.name, []).append(value)
            if isinstance(value, str):
                continue
            if len(shifts):
                meeting.shifted.setdefault(measure.name, []).append(measure.shifted(x, y, shifts))
            if (chance := measure.chance(x, y)) is not None:
                meeting.chance.setdefault(measure.name, []).append(chance)
        if len(meeting.kept) < IMAGES:
            meeting.kept.append((x.lightened(), y.lightened()))

    def numbers(self, measure: Pair, i: int, j: int) -> Number:
        """The measure of encoder i and j: mean over photos, interval, and the stricter of its nulls."""
        return self._answer(measure, i, j)[0]

    def nulls(self, measure: Pair, i: int, j: int) -> list[Null]:
        """Every null of encoder i and j under the measure, strictest first."""
        return self._answer(measure, i, j)[1]

    def _answer(self, measure: Pair, i: int, j: int) -> tuple[Number, list[Null]]:
        """Computed once: crossing photos costs more than all else here."""
        if i > j and measure.laws.swap:
            i, j = j, i
        if (measure.name, i, j) not in self._known:
            self._known[measure.name, i, j] = self._answered(measure, self.met[i, j])
        return self._known[measure.name, i, j]

    def _answered(self, measure: Pair, meeting: Meeting) -> tuple[Number, list[Null]]:
        values = meeting.values[measure.name]
        rows, columns = meeting.overlays[0].grid
        made = number(measure, values, (rows * columns, max(r.width for r in meeting.kept[0])))
        if made.value is None:
            return made, []
        nulls = self._nulls(measure, meeting, made.value)
        strict = nulls[0] if nulls else None
        caveats = made.caveats + tuple(filter(None, [_uncrossed(meeting) if len(meeting.kept) > 1 else ""]))
        if strict is None:
            caveats += (f"no null: a grid of {rows} x {columns} is too small to shift",)
        return replace(made, null=strict, caveats=caveats), nulls

    @staticmethod
    def _nulls(measure: Pair, meeting: Meeting, value: float) -> list[Null]:
        """The nulls there are, strictest first."""
        chances = meeting.chance.get(measure.name)
        chance = float(np.mean(chances)) if chances else None
        found: list[Null] = []
        if drawn := meeting.shifted.get(measure.name):
            found.append(null_of("torus shifts", measure, value, _mean_of(drawn), chance))
        if not _uncrossed(meeting):
            try:
                x, y = zip(*meeting.kept, strict=True)
                draws = other_images(measure, x, y)
                found.append(null_of("other images", measure, value, draws, chance))
            except RepscopeError:  # undefined for some pair of photos: the torus shifts stand alone
                pass
        return sorted(found, key=lambda null: (-(null.p or 0), null.calibrated or 0))


def _uncrossed(meeting: Meeting) -> str:
    """Why photos cannot be crossed; empty where they can."""
    if len(meeting.kept) < LEAST_IMAGES:
        return f"no null of other images under {LEAST_IMAGES} photos"
    if len({rows.grid for pair in meeting.kept for rows in pair}) > 1:
        return "no null of other images: the photos' grids differ"
    return ""


def _mean_of(drawn: Sequence[Array]) -> Array:
    """Draws of a mean over photos from each photo's own: every photo shifted by another amount, seeded."""
    if len(drawn) == 1:
        return drawn[0]
    generator = np.random.default_rng(0)
    return np.mean([generator.choice(draws, SHIFTED) for draws in drawn], axis=0)
