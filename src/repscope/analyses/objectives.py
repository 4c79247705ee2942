"""objectives: of runs that differ in objective, data and seed alone, which of these do the readings see?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope import metrics
from repscope.analyses import _tables
from repscope.analyses._claims import CLAIMS, Claim, between, judged
from repscope.analyses._numbers import Value, number, read
from repscope.analyses._partition import SOURCES, Partition, dealt, partition
from repscope.analyses._pictures import pca_maps, shaped_like, shown
from repscope.analyses._provenance import provenance
from repscope.analyses._study import Progress, Study, View
from repscope.encoders import Encoder
from repscope.errors import UnfitData, WrongUsage
from repscope.images import Photo
from repscope.report import Block, Gallery, Heatmap, Note, Null, Number, Picture, Report, Table, say

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One trained encoder and what it was trained under.

    Attributes:
        condition: Whatever else was varied on purpose: a half of the data, a depth.
    """

    encoder: Encoder
    objective: str
    condition: str
    seed: int


def objectives(
    images: Any,
    runs: Sequence[Run],
    beside: Sequence[Encoder] = (),
    *,
    claims: Sequence[Claim] = CLAIMS,
    progress: Progress | None = None,
) -> Report:
    """How much of each reading's variance lies between objectives, conditions and seeds; what becomes of claims.

    Args:
        images: Photos on which all are read; none of them trained on.
        runs: One for every objective under every condition with every seed; seeds pair them.
        beside: Other encoders, read along without seeds.
        claims: Which objective is said to be at the end of which reading.

    Raises WrongUsage for runs that do not fill such a design.
    """
    design = _design(runs)
    runs = sorted(runs, key=lambda r: (design[0].index(r.objective), design[1].index(r.condition), r.seed))
    study = Study.of(images, [*(run.encoder for run in runs), *beside], progress=progress)
    seen = _Seen(study, len(runs))
    for photo, views in study.look():
        seen.take(photo, [by_layer[0] for by_layer in views])
    return _Answer(study, seen, runs, design, claims).report()


def _design(runs: Sequence[Run]) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """Objectives, conditions and the number of seeds; raises WrongUsage where they are not crossed."""
    names, conditions = (tuple(dict.fromkeys(getattr(r, kind) for r in runs)) for kind in ("objective", "condition"))
    seeds = sorted({run.seed for run in runs})
    counts = Counter((run.objective, run.condition, run.seed) for run in runs)
    wrong = [
        f"{counts[cell]} of {cell[0]} on {cell[1]} with seed {cell[2]}"
        for cell in product(names, conditions, seeds)
        if counts[cell] != 1
    ]
    if len(names) < 2 or len(seeds) < 2 or wrong:
        got = f"{len(names)} objectives, {len(seeds)} seeds" + (f": {', '.join(wrong)}" if wrong else "")
        raise WrongUsage(
            "This wants two objectives and two seeds or more, and one run of each objective on each condition with "
            f"each seed; got {got}."
        )
    return names, conditions, len(seeds)


class _Seen:
    """Every reading of every encoder on every photo, and how alike the runs' patches are."""

    def __init__(self, study: Study, runs: int):
        self.readings, self.runs = metrics.readings(), runs
        self.values: list[dict[str, list[Value]]] = [{r.name: [] for r in self.readings} for _ in study.encoders]
        self.alike: list[Array] = []
        self.pictured: tuple[Photo, list[View]] | None = None
        self.shapes: list[tuple[int, int]] = []

    def take(self, photo: Photo, views: list[View]) -> None:
        rows = [metrics.Rows(view.patches) for view in views]
        for values, each in zip(self.values, rows, strict=True):
            for name, value in read(each, self.readings).items():
                values[name].append(value)
        cka, found = metrics.catalogue["linear_cka"], np.eye(self.runs)
        assert isinstance(cka, metrics.Pair)
        for i in range(self.runs):
            for j in range(i):
                found[i, j] = found[j, i] = cka.of(rows[i], rows[j])
        self.alike.append(found)
        self.pictured = self.pictured or (photo, views)
        self.shapes = [(len(each), each.width) for each in rows]

    def of(self, name: str, encoder: int) -> Float[Array, " photos"] | None:
        """A reading of one encoder, photo by photo; None where some photo has none."""
        values = self.values[encoder][name]
        return None if any(isinstance(value, str) for value in values) else np.array(values, np.float64)


class _Answer:
    """The blocks, from what was seen of all runs."""

    def __init__(
        self,
        study: Study,
        seen: _Seen,
        runs: Sequence[Run],
        design: tuple[tuple[str, ...], tuple[str, ...], int],
        claims: Sequence[Claim],
    ):
        self.study, self.seen, self.runs, self.claims = study, seen, runs, claims
        self.objectives, self.conditions, self.seeds = design
        self.alike = np.mean(seen.alike, axis=0)
        self.parted = {reading.name: self._parted(reading.name) for reading in seen.readings}

    def report(self) -> Report:
        count = len(self.seen.alike)
        blocks: list[Block] = [
            *self._findings(),
            *self._claimed(),
            self._shares(),
            self._alike(),
            self._readings(),
            *self._gallery(),
            *self._beside(),
        ]
        title = (
            f"{len(self.runs)} runs: {', '.join(self.objectives)}; {self.seeds} seeds, "
            f"{len(self.conditions)} conditions ({', '.join(self.conditions)}), on {_tables.counted(count)}"
        )
        runs = [{"objective": r.objective, "condition": r.condition, "seed": r.seed} for r in self.runs]
        skipped = tuple((each.source, each.reason) for each in self.study.skipped)
        return Report(title, tuple(blocks), provenance(self.study, "objectives", runs=runs), skipped)

    def _values(self, name: str) -> dict[tuple[str, str], list[Array]] | None:
        """Photo by photo, of each run under its objective and condition; None where some run has none."""
        found: dict[tuple[str, str], list[Array]] = {}
        for place, run in enumerate(self.runs):
            values = self.seen.of(name, place)
            if values is None:
                return None
            found.setdefault((run.objective, run.condition), []).append(values)
        return found

    def _parted(self, name: str) -> Partition | str:
        values = self._values(name)
        if values is None:
            return "undefined for some run on some photo"
        cells = [[values[o, c] for c in self.conditions] for o in self.objectives]
        try:
            return partition(np.array(cells))
        except UnfitData as error:
            return str(error)

    def _means(self, name: str) -> dict[str, Array] | None:
        """Each run's mean over photos, by objective."""
        values = self._values(name)
        if values is None:
            return None
        return {o: np.array([run.mean() for c in self.conditions for run in values[o, c]]) for o in self.objectives}

    def _shares(self) -> Table:
        labels = {"objective": "objective", "condition": self._varied, "both": f"objective x {self._varied}"}
        rows = []
        for reading in self.seen.readings:
            parted = self.parted[reading.name]
            if isinstance(parted, str):
                cells = tuple(Number(source, None, reason=parted) for source in SOURCES)
            else:
                cells = tuple(self._share(parted, source) for source in SOURCES)
            rows.append((reading.title, *cells))
        header = ("reading", *(labels.get(source, source) for source in SOURCES))
        caption = (
            "Shares of the variance of runs' means over photos; each row sums to 1. Intervals are over photos; the "
            "objective's null deals runs of one condition and seed to objectives at random: with nothing to find, this."
        )
        return Table("Where the variance of each reading lies", header, tuple(rows), caption)

    @property
    def _varied(self) -> str:
        return "condition" if len(self.conditions) > 1 else "condition (one)"

    def _share(self, parted: Partition, source: str) -> Number:
        null = parted.null if source == "objective" else None
        return Number(
            source,
            parted.shares[source],
            parted.intervals[source],
            null,
            n=len(self.runs),
            of="runs",
            definition="Sum of squares between groups over the whole sum of squares, of runs' means over photos.",
        )

    def _findings(self) -> list[Note]:
        past = [
            reading.title
            for reading in self.seen.readings
            if isinstance(p := self.parted[reading.name], Partition)
            and p.null.exceeded
            and p.intervals["objective"][0] > p.null.q95
        ]
        known = [p for p in self.parted.values() if isinstance(p, Partition)]
        middle = {source: float(np.median([p.shares[source] for p in known])) for source in SOURCES} if known else {}
        told = ", ".join(f"{source} {say(share)}" for source, share in middle.items())
        notes = [
            Note(
                f"{len(past)} of {len(known)} readings differ between objectives by more than runs dealt at random "
                f"would, over this budget: {', '.join(past) or 'none'}. Median shares of the variance: {told}.",
                "finding" if past else "note",
            )
        ]
        value, null = self._gap()
        text = (
            f"Patches of runs with one objective are more alike (debiased CKA) than those of different objectives, by "
            f"{say(value)}; objectives dealt at random reach {say(null.q95)} (p {say(null.p)})."
        )
        return [*notes, Note(text, "finding" if null.exceeded else "note")]

    def _gap(self) -> tuple[float, Null]:
        """Mean CKA of different runs of one objective, less that of different objectives; and its null."""
        groups = np.array([self.objectives.index(run.objective) for run in self.runs])

        def gap(labels: NDArray[np.intp]) -> float:
            same = labels[:, None] == labels
            apart = ~np.eye(len(labels), dtype=bool)
            return float(self.alike[same & apart].mean() - self.alike[~same].mean())

        value = gap(groups)
        orders = dealt(len(self.objectives), (len(self.conditions), self.seeds))
        draws = np.array([gap(order.reshape(-1)) for order in orders])
        p = float((1 + (draws >= value - 1e-12).sum()) / (1 + len(draws)))
        return value, Null("shuffled objectives", float(draws.mean()), float(np.quantile(draws, 0.95)), p, len(draws))

    def _claimed(self) -> list[Block]:
        rows = []
        for claim in self.claims:
            means = self._means(claim.reading)
            told = judged(claim, means) if means else None
            if told is None:
                reason = "no run of its objective" if claim.objective not in self.objectives else "undefined"
                rows.append((claim.said, claim.objective, "not asked", Number("difference", None, reason=reason)))
            else:
                verdict, closest, gap = told
                rows.append((claim.said, claim.objective, f"{verdict} (against {closest})", gap))
        if not rows:
            return []
        caption = (
            "Each claim asked of runs that share backbone, data and budget. It survives where its objective is ahead "
            "of every other by more than the interval over pairs of runs; it does not where another is ahead of it so."
        )
        return [
            Table(
                "What was claimed, under control", ("claim", "objective", "verdict", "difference"), tuple(rows), caption
            )
        ]

    def _alike(self) -> Heatmap:
        groups = [run.objective for run in self.runs]
        found = between(self.alike, groups)
        cells = tuple(
            tuple(self._cka(*(found[one, two] if (one, two) in found else found[two, one])) for two in self.objectives)
            for one in self.objectives
        )
        caption = (
            "Mean over photos and pairs of runs; on the diagonal, different runs of one objective. Interval over runs."
        )
        return Heatmap("Debiased CKA of patches", self.objectives, self.objectives, cells, (0.0, 1.0), caption)

    def _cka(self, value: float, interval: tuple[float, float]) -> Number:
        definition = metrics.catalogue["linear_cka"].definition
        return Number("Linear CKA", value, interval, n=len(self.runs), of="runs", definition=definition)

    def _readings(self) -> Table:
        rows = []
        for reading in self.seen.readings:
            means = self._means(reading.name)
            cells = [
                self._over_runs(reading, means[o]) if means else Number("", None, reason="undefined for some run")
                for o in self.objectives
            ]
            rows.append((reading.title, *cells))
        caption = "Mean over runs of each run's mean over photos; 95 % t interval over runs."
        return Table("Readings by objective", ("reading", *self.objectives), tuple(rows), caption)

    def _over_runs(self, reading: Any, means: Array) -> Number:
        from scipy.stats import t

        half = float(t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
        value = float(means.mean())
        common = {"unit": reading.unit, "definition": reading.definition}
        return Number(reading.title, value, (value - half, value + half), n=len(means), of="runs", **common)

    def _gallery(self) -> list[Gallery]:
        """One photo under two runs of each objective: how much is the objective, how much the seed?"""
        if self.seen.pictured is None:
            return []
        photo, views = self.seen.pictured
        pictures = [Picture("as shown", shown(photo, views[0]))]
        for objective in self.objectives:
            for place in [k for k, run in enumerate(self.runs) if run.objective == objective][:2]:
                run, view = self.runs[place], views[place]
                colours = shaped_like(pca_maps([view.patches])[0], pictures[0].pixels)
                pictures.append(Picture(f"{objective}, {run.condition}, seed {run.seed}", colours))
        caption = "First three principal components of the patches. Colours do not compare between encoders."
        return [Gallery(f"PCA maps: {photo.id}", tuple(pictures), caption)]

    def _beside(self) -> list[Table]:
        """The other encoders, read on the same photos."""
        first = len(self.runs)
        others = self.study.encoders[first:]
        if not others:
            return []
        rows = []
        for reading in self.seen.readings:
            cells = [
                number(reading, self.seen.values[first + k][reading.name], self.seen.shapes[first + k])
                for k in range(len(others))
            ]
            rows.append((reading.title, *cells))
        names = tuple(encoder.contract.name for encoder in others)
        caption = (
            "One run each: their intervals are over photos, and a difference between two of them may be the seed's."
        )
        return [Table("Other encoders on the same photos", ("reading", *names), tuple(rows), caption)]
