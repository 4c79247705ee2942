"""Rounding: what bfloat16 moves by more than a tenth of its interval is read again in float32."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from repscope.analyses._numbers import TRUSTED, Value, read, valued
from repscope.analyses._pairs import Meetings
from repscope.analyses._study import Study, View, view_of
from repscope.encoders import Encoder
from repscope.frames import registered
from repscope.images import Photo
from repscope.metrics import Pair, Reading, Rows
from repscope.report import Note, Number, say
from repscope.statistics import interval

PART = 0.1
"""Of an interval's width: what rounding may take of it."""

By = dict[str, list[Value]]
"""Reading name -> value of every photo."""


@dataclass(eq=False)
class Rounding:
    """What became of the readings of encoders that multiply in bfloat16.

    Attributes:
        again: By (encoder's place, reading name): by how much bfloat16 moved what was read again in float32.
        pairs: By (measure name, i, j): by how much it moves a pair measure, which is told and not measured again.
        notes: A sentence for each of these encoders.
    """

    again: dict[tuple[int, str], float] = field(default_factory=dict)
    pairs: dict[tuple[str, int, int], float] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def told(self, place: int, numbers: dict[str, Number]) -> dict[str, Number]:
        """An encoder's readings, with a caveat where they were read again."""
        return {
            name: _with(number, f"in float32: bfloat16 moved it by {say(self.again[place, name])}, {_TOO_FAR}")
            if (place, name) in self.again
            else number
            for name, number in numbers.items()
        }

    def told_of_pair(self, measure: Pair, i: int, j: int, number: Number) -> Number:
        """A pair measure, with a caveat where rounding matters to it."""
        if i > j and measure.laws.swap:
            i, j = j, i
        shift = self.pairs.get((measure.name, i, j))
        return number if shift is None else _with(number, f"in bfloat16, which moves it by {say(shift)}, {_TOO_FAR}")


_TOO_FAR = "more than a tenth of its interval"


def _with(number: Number, caveat: str) -> Number:
    return replace(number, caveats=(*number.caveats, caveat)) if number.value is not None else number


def settled(
    study: Study,
    photos: Sequence[Photo],
    readings: Sequence[Reading],
    values: Sequence[By],
    meetings: Meetings | None = None,
) -> Rounding:
    """Look at a few photos again in float32, and at all of them where a reading moved too far.

    One photo of two to nine, four of more: each reading's largest |difference| there is taken for how far rounding
    moves it. Where that is more than a tenth of the width of its interval, `values` of the reading become those of
    float32, of every photo. Of one photo there is no interval, and nothing is looked at again.

    Args:
        photos: Those that `values` are of, in the same order.
        values: Of each encoder by reading; changed in place.
        meetings: Of the same photos, where pairs were measured.
    """
    found = Rounding()
    rounded = [k for k, encoder in enumerate(study.encoders) if getattr(encoder, "precision", "float32") != "float32"]
    few = photos[: 0 if len(photos) < 2 else 1 if len(photos) < TRUSTED else 4]
    seen: dict[int, list[View]] = {}
    for k in rounded:
        exact = _exact(study.encoders[k]) if few else None
        if exact is None:
            found.notes.append(_unread(study.names[k], len(photos)))
            continue
        seen[k] = list(_views(study, exact, few))
        far = _moved(values[k], [read(Rows(view.patches), readings) for view in seen[k]])
        _read_again(found, study, k, exact, photos, [card for card in readings if card.name in far], values[k])
        found.notes.append(_note(study.names[k], len(few), len(far), len(readings)))
        del exact  # before the next one's weights come
    if meetings is not None and seen:
        _pairs(found, study, few, seen, meetings)
    return found


def _exact(encoder: Encoder) -> Encoder | None:
    ask = getattr(encoder, "exact", None)
    return None if ask is None else ask()


def _views(study: Study, encoder: Encoder, photos: Sequence[Photo]) -> Iterator[View]:
    for start in range(0, len(photos), study.batch):
        some = photos[start : start + study.batch]
        (tokens,) = encoder(some, study.layers[:1], study.framing)
        yield from (view_of(tokens, place, encoder) for place in range(len(some)))


def _moved(values: By, again: Sequence[dict[str, Value]]) -> set[str]:
    """The readings that the first photos say are moved by more than they may be."""
    return {name for name, each in values.items() if too_far(each, [of[name] for of in again])}


def too_far(values: Sequence[Value], exact: Sequence[Value]) -> bool:
    """Whether the first values differ from the exact ones by more than a tenth of the interval of all.

    >>> too_far([1.0, 2.0, 3.0], [1.05]), too_far([1.0, 2.0, 3.0], [1.5])
    (False, True)
    """
    return shift(values, exact) > PART * width(values)


def shift(values: Sequence[Value], exact: Sequence[Value]) -> float:
    """Largest |difference| of the photos both are of; infinite where one alone has a value."""
    differences = []
    for one, other in zip(values, exact, strict=False):  # of the first photos only
        if isinstance(one, str) and isinstance(other, str):
            continue
        differences.append(np.inf if isinstance(one, str) or isinstance(other, str) else abs(one - other))
    return float(np.max(differences)) if differences else 0.0


def width(values: Sequence[Value]) -> float:
    """Of the interval; 0 where there is none."""
    ends = interval([value for value in values if not isinstance(value, str)])
    return 0.0 if ends is None else ends[1] - ends[0]


def _read_again(
    found: Rounding, study: Study, k: int, exact: Encoder, photos: Sequence[Photo], cards: list[Reading], values: By
) -> None:
    if not cards:
        return
    anew: By = {card.name: [] for card in cards}
    for view in _views(study, exact, photos):
        for name, value in read(Rows(view.patches), cards).items():
            anew[name].append(value)
        study.at_work()
    for name, each in anew.items():
        found.again[k, name] = _difference(values[name], each)
        values[name] = each


def _difference(rounded: Sequence[Value], exact: Sequence[Value]) -> float:
    """Of the two means, over the photos where both have a value."""
    pairs = zip(rounded, exact, strict=True)
    both = [one - other for one, other in pairs if not isinstance(one, str) and not isinstance(other, str)]
    return float(np.mean(both)) if both else 0.0


def _pairs(
    found: Rounding, study: Study, few: Sequence[Photo], seen: dict[int, list[View]], meetings: Meetings
) -> None:
    """How far rounding moves each pair measure on the few photos."""
    views = [seen[k] if k in seen else list(_views(study, e, few)) for k, e in enumerate(study.encoders)]
    for i, j in combinations(range(len(views)), 2):
        if i not in seen and j not in seen:
            continue
        laid = [registered(a.patches, a.frame, b.patches, b.frame) for a, b in zip(views[i], views[j], strict=True)]
        for measure in meetings.measures:
            for here, there, turned in ((i, j, False), (j, i, True)):
                if turned and measure.laws.swap:
                    continue
                exact = [valued(measure.of, *(map(Rows, (y, x) if turned else (x, y)))) for x, y, _ in laid]
                values = meetings.met[here, there].values[measure.name]
                if too_far(values, exact):
                    found.pairs[measure.name, here, there] = shift(values, exact)


def _unread(name: str, count: int) -> Note:
    if count < 2:
        return Note(
            f"{name} multiplies in bfloat16, which moves tokens by some thousandths. One photo has no interval to hold "
            "that against; where a reading's third digit matters, load it with precision='float32'."
        )
    return Note(
        f"{name} multiplies in bfloat16, and cannot be asked in float32 here: how far that moves it is not known."
    )


def _note(name: str, few: int, far: int, count: int) -> Note:
    on = "one photo" if few == 1 else f"{few} photos"
    if not far:
        return Note(f"{name} multiplies in bfloat16: on {on} it moves none of {count} readings by {_TOO_FAR}.")
    return Note(f"{name} multiplies in bfloat16: {far} of {count} readings moved by {_TOO_FAR}, and are of float32.")
