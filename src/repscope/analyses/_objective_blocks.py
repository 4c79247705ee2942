"""The blocks of an experiment's report, from what was seen of its runs."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses import _alike
from repscope.analyses._claims import LIKENESS, Claim, judged, within
from repscope.analyses._numbers import TRUSTED, narrow, number
from repscope.analyses._partition import SOURCES, Partition, least_p, partition
from repscope.analyses._pictures import pca_maps, shaped_like, shown
from repscope.analyses._runs import Seen
from repscope.analyses._tables import counted
from repscope.errors import UnfitData
from repscope.report import Block, Cell, Gallery, Heatmap, Note, Null, Number, Picture, Table, say
from repscope.statistics.interval import LEVEL

Array = NDArray[np.float64]

SHARES = {
    "objective": "Of runs' means over photos: the sum of squares between objectives over the whole sum of squares.",
    "condition": "The same between conditions.",
    "both": "The same of what conditions do to one objective and not to another: the means of each objective on each "
    "condition, less what objective and condition explain by themselves.",
    "seed": "What is left: between runs of one objective on one condition, and what so many photos leave undecided.",
}
KNN = "Held-out images whose class their 20 nearest others among them name: as the monitor reads it in training."
UNDEFINED = "undefined for some run on some photo"
CLAIMED = (
    "Each claim asked of runs that share backbone, data and budget, among the objectives it was made from. It survives "
    "where its objective is ahead of every other by more than the interval over runs and photos; it does not where "
    "another is ahead of it so, at a level divided by the number of others. The difference is the claim's objective "
    "less the one that decided, the clearest: above 0 speaks for a highest, below 0 for a lowest."
)


class Answer:
    """What is said of the runs."""

    def __init__(self, seen: Seen, claims: Sequence[Claim]):
        self.seen, self.claims, self.design = seen, claims, seen.design
        self.values = {reading.name: seen.by_run(reading.name) for reading in seen.readings}
        self.parted = {name: _parted(values) for name, values in self.values.items()}

    def blocks(self, beside: Sequence[str]) -> list[Block]:
        return [
            *(Note(f"{run}: {run.collapse}", "warning") for run in self.design.runs if run.collapse),
            *self._findings(),
            *self._claimed(),
            self._shares(),
            self._heatmap(),
            self._readings(),
            *self._gallery(),
            *self._beside(beside),
        ]

    def _findings(self) -> list[Note]:
        if self.seen.photos < TRUSTED:
            return [Note(f"{counted(self.seen.photos)}: nothing is claimed. Give {TRUSTED} photos or more.")]
        notes = [*self._differing(), self._gap()]
        if (least := least_p(*self.design.shape)) > 1 - LEVEL:
            notes.append(Note(f"With these runs no p is under {say(least)}, so nothing is claimed: add seeds."))
        return notes

    def _differing(self) -> list[Note]:
        """Which readings the objective moves, or where these are most of them, which it does not; and how much."""
        known = {r.title: found for r in self.seen.readings if isinstance(found := self.parted[r.name], Partition)}
        if not known:
            return []
        past = [title for title, parted in known.items() if parted.null.exceeded]
        rest = [title for title in known if title not in past]
        named = f": {', '.join(past)}" if past else ""
        if len(past) > len(rest):
            named = f"; not seen to: {', '.join(rest)}" if rest else ""
        middle = {source: float(np.median([p.shares[source] for p in known.values()])) for source in SOURCES}
        told = ", ".join(f"{self._labels()[source]} {say(100 * share)} %" for source, share in middle.items())
        text = (
            f"{len(past)} of {len(known)} readings differ between objectives by more than runs dealt at random would "
            f"(about {say((1 - LEVEL) * len(known))} would by chance){named}. Of the variance, {told} "
            "(medians over readings)."
        )
        return [Note(text, "finding" if past else "note")]

    def _gap(self) -> Note:
        value, null = _alike.gap(np.mean(self.seen.alike, axis=0), self.design.shape)
        found = "are more alike than" if null.exceeded else "are not seen to be more alike than"
        return Note(
            f"Patches of runs with one objective {found} those of different objectives (debiased CKA, one part, "
            f"different seeds): by {say(value)}; objectives dealt at random reach {say(null.q95)} (p {say(null.p)}).",
            "finding" if null.exceeded else "note",
        )

    def _claimed(self) -> list[Table]:
        if self.seen.photos < TRUSTED or least_p(*self.design.shape) > 1 - LEVEL or not self.claims:
            return []
        scopes = [[self._compared(claim) for claim in self.claims]]
        header: tuple[str, ...] = ("claim", "objective", "verdict", "difference")
        if any(len(names) < len(self.design.objectives) for names in scopes[0]):
            scopes.append([self.design.objectives] * len(self.claims))
            header += ("among all", "difference among all")
        rows = tuple(
            (claim.said, claim.objective, *chain(*(self._judged(claim, names) for names in compared)))
            for claim, *compared in zip(self.claims, *scopes, strict=True)
        )
        return [Table("What was claimed, under control", header, rows, CLAIMED)]

    def _compared(self, claim: Claim) -> tuple[str, ...]:
        """The objectives that a claim was made from, as far as they are here."""
        return tuple(name for name in self.design.objectives if not claim.among or name in claim.among)

    def _judged(self, claim: Claim, among: Sequence[str]) -> tuple[str, Number]:
        if claim.objective not in among or len(among) < 2:
            reason = "no run of another" if claim.objective in among else "no run of its objective"
            return "not asked", Number("difference", None, reason=reason)
        places = [self.design.objectives.index(name) for name in among]
        values = self.values.get(claim.reading)
        if claim.reading == LIKENESS:
            values = _alike.likeness(np.array(self.seen.alike), self.design.shape, places)
        elif values is not None:
            values = values[places]
        told = None if values is None else judged(claim, dict(zip(among, values, strict=True)))
        if told is None:
            return "not asked", Number("difference", None, reason=UNDEFINED)
        return f"{told.verdict} (against {told.rival})", told.difference

    def _labels(self) -> dict[str, str]:
        alone = "" if len(self.design.conditions) > 1 else " (one)"
        return {
            "objective": "objective",
            "condition": f"condition{alone}",
            "both": f"objective x condition{alone}",
            "seed": "seed",
        }

    def _shares(self) -> Table:
        rows = []
        for reading in self.seen.readings:
            parted = self.parted[reading.name]
            rows.append((reading.title, *(self._share(parted, source) for source in SOURCES)))
        caption = (
            "Shares of the variance of runs' means over photos; each row sums to 100 %. Intervals are over photos. The "
            "objective's null deals runs of one condition and seed to objectives at random: its share with nothing to "
            "find. p is not corrected for the number of readings."
        )
        header = ("reading", *(self._labels()[source] for source in SOURCES))
        return Table("Where the variance of each reading lies", header, tuple(rows), caption)

    def _share(self, parted: Partition | str, source: str) -> Number:
        label = f"Share: {self._labels()[source]}"
        if isinstance(parted, str):
            return Number(label, None, reason=parted)
        ends, null = parted.intervals[source], parted.null
        return Number(
            label,
            _percent(parted.shares[source]),
            None if ends is None else (_percent(ends[0]), _percent(ends[1])),
            _null_in_percent(null) if source == "objective" else None,
            n=len(self.design.runs),
            of="runs",
            unit="%",
            definition=SHARES[source],
            caveats=narrow(self.seen.photos),
        )

    def _heatmap(self) -> Heatmap:
        caption = (
            "Mean over photos and pairs of runs, two of one condition and different seeds; on the diagonal, of one "
            "objective. Intervals are over photos. The null shows different photos to a run of the row's objective "
            "and to one of the column's with another seed: it is not symmetric."
        )
        names = self.design.objectives
        return Heatmap("Debiased CKA of patches", names, names, _alike.numbers(self.seen), (0.0, 1.0), caption)

    def _learnt(self) -> list[tuple[Cell, ...]]:
        """Whether they learnt anything: k-NN before and after, where all runs know it."""
        known = [run.accuracy for run in self.design.runs]
        if None in known:
            return []
        values = 100 * np.array(known, np.float64).reshape(*self.design.shape, 2)
        return [
            (label, *(_over_runs(label, each[..., k, None], "%", KNN) for each in values))
            for k, label in enumerate(("k-NN accuracy, untrained", "k-NN accuracy, trained"))
        ]

    def _readings(self) -> Table:
        rows = self._learnt()
        for reading in self.seen.readings:
            values = self.values[reading.name]
            cells = (
                [Number(reading.title, None, reason=UNDEFINED) for _ in self.design.objectives]
                if values is None
                else [
                    _over_runs(reading.title, each, reading.unit, reading.definition)
                    for each in values.mean(-1, keepdims=True)
                ]
            )
            rows.append((reading.title, *cells))
        caption = (
            "Mean over runs of each run's mean over photos; 95 % t interval over runs, of their spread within "
            "conditions: for these conditions and these photos."
        )
        return Table("Readings by objective", ("reading", *self.design.objectives), tuple(rows), caption)

    def _gallery(self) -> list[Gallery]:
        """One photo under two runs of each objective: how much is the objective, how much the seed?"""
        if self.seen.pictured is None:
            return []
        photo, views = self.seen.pictured
        pictures = [Picture("as shown", shown(photo, views[0].frame))]
        for place in [place for each in self.seen.first_two() for place in each]:
            colours = shaped_like(pca_maps([views[place].patches])[0], pictures[0].pixels)
            pictures.append(Picture(str(self.design.runs[place]), colours))
        caption = "First three principal components of the patches. Colours do not compare between encoders."
        return [Gallery(f"PCA maps: {photo.id}", tuple(pictures), caption)]

    def _beside(self, names: Sequence[str]) -> list[Table]:
        """The other encoders, read on the same photos."""
        if not names:
            return []
        first = len(self.design.runs)
        others = list(zip(self.seen.values[first:], self.seen.shapes[first:], strict=True))
        rows = [
            (reading.title, *(number(reading, values[reading.name], shape) for values, shape in others))
            for reading in self.seen.readings
        ]
        caption = (
            "One run each: their intervals are over photos, and a difference between two of them may be the seed's."
        )
        return [Table("Other encoders on the same photos", ("reading", *names), tuple(rows), caption)]


def _parted(values: Float[Array, "a b s photos"] | None) -> Partition | str:
    if values is None:
        return UNDEFINED
    try:
        return partition(values)
    except UnfitData as error:
        return str(error)


def _percent(share: float) -> float:
    """To a thousandth: what is less of a variance is of no use to anyone."""
    return round(100 * share, 3)


def _null_in_percent(null: Null) -> Null:
    chance = None if null.chance is None else _percent(null.chance)
    return replace(null, mean=_percent(null.mean), q95=_percent(null.q95), chance=chance)


def _over_runs(label: str, means: Float[Array, "b s 1"], unit: str = "", definition: str = "") -> Number:
    """Their mean, with the t interval of their spread within conditions."""
    value, *ends = within(means)
    return Number(label, value, (ends[0], ends[1]), n=means.size, of="runs", unit=unit, definition=definition)
