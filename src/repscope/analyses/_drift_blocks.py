"""What a drift report shows: findings, tables and curves over the checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope import metrics
from repscope.analyses import _tables
from repscope.analyses._checkpoints import axis
from repscope.analyses._contracts import contract_table
from repscope.analyses._embeddings import LEAST, embedding_number
from repscope.analyses._numbers import TRUSTED, valued
from repscope.analyses._study import alike
from repscope.encoders import Contract
from repscope.metrics import Card, Pair, Reading, Rows
from repscope.report import Block, Curve, Note, Null, Number, Table, say, spread
from repscope.statistics import permutations

FOUND = ("effective_rank", "mean_cosine", "spatial_coherence_centred", "outlier_tokens")
"""Readings that findings are made of: one of each kind, none in an encoder's own scale."""

EMBEDDED = ("effective_rank", "rankme_centred", "mean_cosine", "uniformity")
ONE_EMBEDDING = "every photo has the same embedding"
Kind = TypeVar("Kind", bound=Card)


def cards(names: Sequence[str], kind: type[Kind]) -> list[Kind]:
    """These metrics, in this order."""
    return [card for name in names if isinstance(card := metrics.catalogue[name], kind)]


@dataclass
class Similarity:
    """Two checkpoints under each measure: the number, and every null of it."""

    numbers: dict[str, Number] = field(default_factory=dict)
    nulls: dict[str, list[Null]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Story:
    """Everything that was measured of the checkpoints, in their order.

    Attributes:
        readings: Of the patches of each checkpoint; empty for encoders that have none.
        to_before: Similarity of the second to the first, and so on.
        to_last: Similarity of each but the last to the last.
        embeddings: One vector per photo.
        collapsed: Photos whose patches are all alike.
        revisions: Where each one's weights are from, and their SHA-256.
    """

    labels: Sequence[str]
    photos: int
    measures: Sequence[Pair]
    readings: Sequence[dict[str, Number]]
    to_before: Sequence[Similarity]
    to_last: Sequence[Similarity]
    embeddings: Sequence[Float[NDArray[np.floating], "N D"]]
    collapsed: Sequence[int]
    contracts: Sequence[Contract]
    revisions: Sequence[str]

    def blocks(self) -> list[Block]:
        """In reading order: findings, similarities, readings, then what is seldom asked."""
        return [
            *self._collapses(),
            *self._findings(),
            *self._cautions(),
            *(self._patches() if self.readings else [Note(_NO_PATCHES)]),
            *self._embedded(),
            *self._both_nulls(),
            contract_table(self.contracts[-1], f"{len(self.labels)} checkpoints, each named in the provenance"),
        ]

    @property
    def steps(self) -> list[str]:
        return [f"{one} → {other}" for one, other in pairwise(self.labels)]

    def _collapses(self) -> list[Note]:
        found = []
        for label, collapsed, embeddings in zip(self.labels, self.collapsed, self.embeddings, strict=True):
            if collapsed:
                of = f"{collapsed} of {_tables.counted(self.photos)}"
                found.append(
                    Note(f"{label} gives one token for every patch of {of}: it has collapsed there.", "warning")
                )
            if self.photos > 1 and alike(embeddings[None]):
                found.append(Note(f"{label} gives every photo the same embedding: it has collapsed.", "warning"))
        return found

    def _findings(self) -> list[Note]:
        if not self.readings:
            return []
        shifts = [each.numbers["linear_cka"] for each in self.to_before]
        neighbours = [each.numbers["mutual_knn"] for each in self.to_before]
        found = largest_shift(self.steps, shifts, neighbours)
        return found + (
            _tables.reading_findings(self.labels, self.readings, FOUND)
            if self.photos >= TRUSTED
            else [_few(self.photos)]
        )

    def _cautions(self) -> list[Note]:
        name, places = axis(self.labels)
        gaps = [after - before for before, after in pairwise(places)]
        notes = []
        if max(gaps) > min(gaps):
            notes.append(Note(_UNEVEN.format(name, say(min(gaps)), say(max(gaps)))))
        if len({contract.preprocessing for contract in self.contracts}) > 1:
            notes.append(Note("The checkpoints' published transforms differ: they are not shown the same.", "warning"))
        digests = [revision.rpartition("sha256 ")[2] for revision in self.revisions]
        for digest in dict.fromkeys(digests):
            same = [label for label, each in zip(self.labels, digests, strict=True) if each == digest]
            if len(same) > 1 and digest not in self.revisions:  # a revision that says no digest says nothing
                notes.append(Note(f"{', '.join(same)} are the same weights."))
        return notes

    def _patches(self) -> list[Block]:
        name, places = axis(self.labels)
        header = ("checkpoint", *(number.label for number in self.readings[0].values()))
        rows = tuple((label, *each.values()) for label, each in zip(self.labels, self.readings, strict=True))
        mean = "Mean over photos with 95 % interval." if self.photos > 1 else "One photo: values without intervals."
        return [
            *self._similarities(mean),
            *(self._similarity_curve(measure, name, places) for measure in self.measures),
            Table("Readings of the patches", header, rows, mean),
            *(self._reading_curve(key, name, places) for key in self.readings[0]),
        ]

    def _similarities(self, caption: str) -> list[Table]:
        header = ("checkpoints", *(measure.title for measure in self.measures))
        before = zip(self.steps, self.to_before, strict=True)
        last = zip((f"{label} → {self.labels[-1]}" for label in self.labels[:-1]), self.to_last, strict=True)
        return [
            Table(title, header, tuple((name, *each.numbers.values()) for name, each in pairs), caption)
            for title, pairs in (("Patches: similarity to the one before", before), (_TO_LAST, last))
        ]

    def _similarity_curve(self, measure: Pair, name: str, places: tuple[float, ...]) -> Curve:
        before = [each.numbers[measure.name] for each in self.to_before]
        last = [each.numbers[measure.name] for each in self.to_last]
        lines = (_tables.line("to the one before", places[1:], before), _tables.line("to the last", places[:-1], last))
        return Curve(f"{measure.title} over the checkpoints", lines, name, measure.title, caption=self._band())

    def _reading_curve(self, key: str, name: str, places: tuple[float, ...]) -> Curve:
        numbers = [each[key] for each in self.readings]
        label, unit = numbers[0].label, numbers[0].unit
        line = _tables.line("patches", places, numbers)
        return Curve(f"{label} over the checkpoints", (line,), name, unit or label, caption=self._band())

    def _band(self) -> str:
        return "Mean over photos; band: 95 % interval." if self.photos > 1 else "One photo."

    def _both_nulls(self) -> list[Table]:
        pairs = [*zip(self.steps, self.to_before, strict=False)]  # no patches: no similarities
        pairs += [
            (f"{label} → {self.labels[-1]}", each) for label, each in zip(self.labels, self.to_last[:-1], strict=False)
        ]
        return _tables.nulls_table(
            [(name, [each.nulls[measure.name] for measure in self.measures]) for name, each in pairs],
            [measure.title for measure in self.measures],
        )

    def _embedded(self) -> list[Block]:
        if self.photos < LEAST:
            return [Note(f"Embeddings are compared from {LEAST} photos on; there are {self.photos}.")]
        rows = [None if alike(each[None]) else Rows(each) for each in self.embeddings]
        header, orders = ("checkpoints", *(measure.title for measure in self.measures)), permutations(self.photos)

        def table(title: str, pairs: Sequence[tuple[int, int]]) -> Table:
            lines = tuple(
                (
                    f"{self.labels[i]} → {self.labels[j]}",
                    *(_between(measure, rows[i], rows[j], orders) for measure in self.measures),
                )
                for i, j in pairs
            )
            return Table(
                title, header, lines, f"One vector per photo, over {self.photos} photos; the null permutes them."
            )

        last = len(rows) - 1
        return [
            table("Embeddings: similarity to the one before", [(place, place + 1) for place in range(last)]),
            table("Embeddings: similarity to the last", [(place, last) for place in range(last)]),
            self._embedded_readings(rows),
        ]

    def _embedded_readings(self, rows: Sequence[Rows | None]) -> Table:
        known = cards(EMBEDDED, Reading)
        lines = tuple(
            (label, *(_reading(card, each, self.embeddings[0].shape) for card in known))
            for label, each in zip(self.labels, rows, strict=True)
        )
        caption = "Of one vector per photo: one value over all photos, without interval."
        return Table("Readings of the embeddings", ("checkpoint", *(card.title for card in known)), lines, caption)


_TO_LAST = "Patches: similarity to the last"
_NO_PATCHES = "These encoders give one vector for a photo: nothing can be said of patches."
_UNEVEN = (
    "The checkpoints are not evenly spaced in {}: from {} to {} apart. A longer stretch has had more time to shift."
)


def largest_shift(steps: Sequence[str], shifts: Sequence[Number], neighbours: Sequence[Number]) -> list[Note]:
    """Between which two checkpoints the patches moved most: a finding only where its interval is apart from all others.

    The shift of least CKA; what it is held against are the intervals of every other step, each over
    ten photos or more. One step alone, or one without a value, is said to be so.
    """
    if len(steps) == 1:
        return [Note(f"Two checkpoints make one shift, {steps[0]}: CKA {spread(shifts[0])}. {_ALONE}")]
    known = [place for place, number in enumerate(shifts) if number.value is not None]
    if not known:
        return [Note("No step has a CKA: no largest shift can be named.")]
    least = min(known, key=lambda place: shifts[place].value or 0.0)
    others = [place for place in range(len(steps)) if place != least]
    said = f"{steps[least]}, CKA {spread(shifts[least])}"
    touching = [place for place in others if not _below(shifts[least], shifts[place])]
    if touching:
        return [Note(f"Lowest CKA to the one before: {said}. {_why_not(shifts, touching, steps)}")]
    following = min(others, key=lambda place: shifts[place].value or 0.0)
    apart = f"its interval lies below every other's, next is {steps[following]}, {spread(shifts[following])}"
    return [Note(f"Largest shift: {said}; {apart}. {_agree(steps, neighbours, least)}".rstrip(), "finding")]


_ALONE = "There is no other to hold it against, so whether it is a large one cannot be said. Give a third checkpoint."


def _below(one: Number, other: Number) -> bool:
    """Whether a number's interval lies below another's, both of enough photos to be trusted."""
    trusted = min(one.n or 0, other.n or 0) >= TRUSTED
    return trusted and one.ci is not None and other.ci is not None and one.ci[1] < other.ci[0]


def _why_not(shifts: Sequence[Number], touching: Sequence[int], steps: Sequence[str]) -> str:
    absent = [steps[place] for place in touching if shifts[place].value is None]
    if absent:
        return f"{', '.join(absent)} has none, so no largest shift is claimed."
    if any((number.n or 0) < TRUSTED for number in shifts):
        return f"No largest shift is claimed from under {TRUSTED} photos."
    named = ", ".join(steps[place] for place in touching[:3]) + (" and others" if len(touching) > 3 else "")
    return f"Its interval is not below that of {named}, so no largest shift is claimed."


def _agree(steps: Sequence[str], neighbours: Sequence[Number], least: int) -> str:
    known = [place for place, number in enumerate(neighbours) if number.value is not None]
    if not known:
        return ""
    lowest = min(known, key=lambda place: neighbours[place].value or 0.0)
    told = f"{neighbours[lowest].label} {'too ' if lowest == least else ''}is lowest"
    return f"{told} there." if lowest == least else f"{told} elsewhere: {steps[lowest]}."


def _few(photos: int) -> Note:
    few = "One photo has no interval" if photos == 1 else f"An interval from {photos} photos is too narrow"
    return Note(f"{few}: no change of a reading is claimed. Give {TRUSTED} photos or more.")


def _between(measure: Pair, x: Rows | None, y: Rows | None, orders: NDArray[np.intp]) -> Number:
    if x is None or y is None:
        return Number(measure.title, None, definition=measure.definition, reason=ONE_EMBEDDING)
    return embedding_number(measure, x, y, orders)


def _reading(card: Reading, rows: Rows | None, shape: tuple[int, ...]) -> Number:
    value = ONE_EMBEDDING if rows is None else valued(card.of, rows)
    if isinstance(value, str):
        return Number(card.title, None, unit=card.unit, definition=card.definition, reason=value)
    caveats = (*card.caveats(*shape[:2]), "one value over all photos: no interval")
    return Number(
        card.title, value, n=shape[0], of="photos", unit=card.unit, definition=card.definition, caveats=caveats
    )
