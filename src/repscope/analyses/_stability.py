"""Stability: how far every reading and pair measure moves under choices that should not matter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from repscope.analyses._choices import CHOICES, Choice, Variant
from repscope.analyses._embeddings import LEAST
from repscope.analyses._numbers import Value, number, read, valued
from repscope.analyses._pairs import Meetings
from repscope.analyses._study import Study, View, view_of
from repscope.encoders import Encoder
from repscope.errors import RepscopeError
from repscope.frames import registered
from repscope.images import Photo
from repscope.metrics import Card, Pair, Reading, Rows
from repscope.report import Number, Table

REPEATED = 16
"""Photos that are looked at again under every choice, at most."""

EMBEDDINGS = "embeddings"
DEFINITION = (
    "Largest deviation, over the choices that should not matter, of the mean over the repeated photos from what it is "
    "without any."
)

Key = tuple[str, tuple[int, ...], str]
"""A metric, the encoder or the two that it is of, and of what: patches, or embeddings."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How far something moved at most, and by which choice."""

    by: float
    choice: str


@dataclass(eq=False)
class _Tried:
    """What encoders said under a choice, by their place, and why others could not."""

    varied: dict[int, list[View]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Stability:
    """What is kept of the first photos, and how far values moved under each choice.

    Attributes:
        shifts: Signed shift of each value by choice, where an encoder that it is of could be varied.
        undefined: Choices under which a value has none.
        told: Choice -> what came of it.
    """

    study: Study
    readings: Sequence[Reading]
    measures: Sequence[Pair]
    choices: Sequence[Choice] = CHOICES
    photos: list[Photo] = field(default_factory=list)
    views: list[list[View]] = field(default_factory=list)
    pools: list[list[tuple[Any, Any]]] = field(default_factory=list)
    base: dict[Key, list[Value]] = field(default_factory=dict)
    shifts: dict[Key, dict[str, float]] = field(default_factory=dict)
    undefined: dict[Key, set[str]] = field(default_factory=dict)
    told: list[tuple[str, ...]] = field(default_factory=list)

    def take(self, photo: Photo, views: Sequence[View]) -> None:
        """One photo and what was said of it without any choice."""
        self.pools.append([(view.cls, view.patches.mean((0, 1))) for view in views])
        if len(self.photos) < REPEATED:
            self.photos.append(photo)
            self.views.append(list(views))

    def repeat(self, values: Sequence[dict[str, list[Value]]], meetings: Meetings) -> None:
        """Look again under every choice; `values` and `meetings` hold what was found of the same photos first.

        Each encoder's in the precision it looks in: what was read again in another is another choice's.
        """
        for i, each in enumerate(values):
            self.base |= {(name, (i,), "patches"): known[: len(self.photos)] for name, known in each.items()}
        for pair, met in meetings.met.items():
            self.base |= {(name, pair, "patches"): known[: len(self.photos)] for name, known in met.values.items()}
        tried = [_Tried() for _ in self.choices]
        for i, encoder in enumerate(self.study.encoders):  # one after the other: each may be as large as memory
            for choice, each in zip(self.choices, tried, strict=True):
                self._try(choice, i, encoder, each)
            if let_go := getattr(encoder, "let_go", None):
                let_go()
        for choice, each in zip(self.choices, tried, strict=True):
            self._compare(choice, each)
        self._pool()

    def _try(self, choice: Choice, i: int, encoder: Encoder, tried: "_Tried") -> None:
        try:
            variant = choice.vary(encoder, self.study.layers[0])
            if variant is not None:
                tried.varied[i] = self._looked(variant)
        except RepscopeError as error:
            tried.reasons.append(str(error).removesuffix("."))

    def _compare(self, choice: Choice, tried: "_Tried") -> None:
        if tried.varied or tried.reasons:
            names = ", ".join(self.study.names[i] for i in tried.varied) or "–"
            self.told.append((choice.kind, choice.name, names, ". ".join((choice.about, *tried.reasons))))
        for key, again in self._again(tried.varied).items():
            if (shift := _shift(self.base[key], again)) is None:
                self.undefined.setdefault(key, set()).add(choice.title)
            else:
                self.shifts.setdefault(key, {})[choice.title] = shift

    def _looked(self, variant: Variant) -> list[View]:
        found = []
        for start in range(0, len(self.photos), self.study.batch):
            some = self.photos[start : start + self.study.batch]
            (tokens,) = variant.encoder(some, (variant.layer,), self.study.framing)
            found += [view_of(tokens, place, variant.encoder) for place in range(len(some))]
            self.study.at_work()
        return found

    def _again(self, varied: dict[int, list[View]]) -> dict[Key, list[Value]]:
        """Every value that an encoder which was varied has a part in, photo by photo."""
        found: dict[Key, list[Value]] = {}
        for place in range(len(self.photos)):
            views = [varied[i][place] if i in varied else view for i, view in enumerate(self.views[place])]
            for i in varied:
                for name, value in read(Rows(views[i].patches), self.readings).items():
                    found.setdefault((name, (i,), "patches"), []).append(value)
            for i, j in combinations(range(len(views)), 2):
                if i in varied or j in varied:
                    for key, value in self._met(views, i, j):
                        found.setdefault(key, []).append(value)
            if varied:
                self.study.at_work()
        return found

    def _met(self, views: Sequence[View], i: int, j: int) -> Iterator[tuple[Key, Value]]:
        x, y, _ = registered(views[i].patches, views[i].frame, views[j].patches, views[j].frame)
        rows = {i: Rows(x), j: Rows(y)}
        for measure in self.measures:
            for pair in ((i, j),) if measure.laws.swap else ((i, j), (j, i)):
                yield (measure.name, pair, "patches"), valued(measure.of, rows[pair[0]], rows[pair[1]])

    def _pool(self) -> None:
        """Embeddings pooled otherwise: CLS where there is one, or the mean, of both encoders."""
        if len(self.pools) < LEAST:
            self.told.append(("pool", "cls, mean", "–", f"embeddings are compared from {LEAST} photos on"))
            return
        both = [all(photo[i][0] is not None for photo in self.pools) for i in range(len(self.study.encoders))]
        names = ", ".join(name for name, has in zip(self.study.names, both, strict=True) if has)
        self.told.append(("pool", "cls, mean", names or "–", "embeddings, over all photos"))
        own = [encoder.contract.pool == "cls" and has for encoder, has in zip(self.study.encoders, both, strict=True)]
        for i, j in combinations(range(len(both)), 2):
            for measure in self.measures:
                for pair in ((i, j),) if measure.laws.swap else ((i, j), (j, i)):
                    self._pooled(measure, pair, both, own)

    def _pooled(self, measure: Pair, pair: tuple[int, int], both: Sequence[bool], own: Sequence[bool]) -> None:
        def of(cls: dict[int, bool]) -> Value:
            return valued(measure.of, *(Rows(np.stack([p[k][0 if cls[k] else 1] for p in self.pools])) for k in pair))

        key: Key = (measure.name, pair, EMBEDDINGS)
        usual = {k: own[k] for k in pair}
        self.base[key] = [of(usual)]
        for name, wanted in (("cls", True), ("mean", False)):
            cls = {k: wanted if both[k] else own[k] for k in pair}
            if cls != usual and (shift := _shift(self.base[key], [of(cls)])) is not None:
                self.shifts.setdefault(key, {})[f"pool: {name}"] = shift

    def moved(self, name: str, *which: int) -> Moved | None:
        """How far a metric of an encoder or of two moved; of one metric of two encoders see `apart`."""
        return _largest(self.shifts.get((name, which, "patches"), {}))

    def apart(self, name: str, one: int, other: int) -> Moved | None:
        """How far the difference of two encoders in a reading moved: both under the same choice.

        One that a choice leaves as it is stays where it is; one that has no value under it has no difference there.
        """
        a, b = (self.shifts.get((name, (i,), "patches"), {}) for i in (one, other))
        lost = {choice for i in (one, other) for choice in self.undefined.get((name, (i,), "patches"), ())}
        return _largest({c: a.get(c, 0.0) - b.get(c, 0.0) for c in dict.fromkeys((*a, *b)) if c not in lost})

    def tables(self) -> list[Table]:
        """What was chosen; and of every value how far it moved, and by what most."""
        count = len(self.photos)
        caption = (
            f"The comparison was repeated on {count} photo{'s' if count > 1 else ''} under each of these, for the "
            "encoders named, the others as they are. What an encoder does already is not repeated. A crop of 110 % "
            "zooms out, past the photo's edges where an encoder was shown them."
        )
        chosen = Table("Choices that should not matter", ("choice", "as", "for", "what"), tuple(self.told), caption)
        rows = [self._row(card, key) for card in (*self.readings, *self.measures) for key in self._keys(card.name)]
        said = (
            "Spread: the largest deviation from the value over the choices; the value is of the photos that were "
            "repeated. Nulls are not drawn again."
        )
        header = ("measure", "of", "value", "spread", "moved most by")
        return [chosen, Table("Stability", header, tuple(rows), said)]

    def _keys(self, name: str) -> list[Key]:
        return [key for key in self.base if key[0] == name]

    def _row(self, card: Card, key: Key) -> tuple[str | Number, ...]:
        _, which, of = key
        whose = ", ".join(self.study.names[i] for i in which) + (f"; {EMBEDDINGS}" if of == EMBEDDINGS else "")
        value = number(card, self.base[key], (2**30, 1))
        known = replace(value, ci=None, caveats=())
        largest, tried = _largest(self.shifts.get(key, {})), len(self.shifts.get(key, {}))
        if largest is None:
            none = "no choice could be made otherwise, or it is undefined under those that could"
            return card.title, whose, known, Number("spread", None, unit=card.unit, reason=none), "–"
        moved = Number("spread", largest.by, n=tried, of="choices", unit=card.unit, definition=DEFINITION)
        return card.title, whose, known, moved, largest.choice if largest.by else "–"


def _shift(before: Sequence[Value], after: Sequence[Value]) -> float | None:
    """Mean change over the photos that both have a value of; None where there is none."""
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if not isinstance(a, str) and not isinstance(b, str)]
    return float(np.mean([b - a for a, b in pairs])) if pairs else None


def _largest(shifts: dict[str, float]) -> Moved | None:
    if not shifts:
        return None
    choice = max(shifts, key=lambda each: abs(shifts[each]))
    return Moved(abs(shifts[choice]), choice)
