"""compare: how differently do these encoders see the same photos?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from repscope import metrics
from repscope.analyses import _tables
from repscope.analyses._embeddings import embedding_blocks
from repscope.analyses._numbers import TRUSTED, Value, read
from repscope.analyses._pairs import Meetings, measures_of
from repscope.analyses._probing import PROBED, Point, Probing, asked
from repscope.analyses._provenance import provenance, under
from repscope.analyses._rounding import Rounding, settled
from repscope.analyses._stability import Moved, Stability
from repscope.analyses._study import Progress, Study, View
from repscope.analyses._verified import verified_table
from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.errors import WrongUsage
from repscope.extract import BATCH
from repscope.images import Photo
from repscope.images.pace import paced
from repscope.metrics import Pair
from repscope.report import Block, Heatmap, Note, Number, Report, Table, say, spread


def compare(
    images: Any,
    encoders: Sequence[Encoder],
    *,
    framing: Framing = "square",
    layer: int = -1,
    queries: Sequence[Point] = (),
    also: Sequence[str] = (),
    failed: Sequence[tuple[str, str]] = (),
    strict: bool = False,
    batch: int = BATCH,
    fast: bool = False,
    stability: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Every reading of every encoder side by side, and every pair measure with its null and interval.

    Args:
        images: Paths, folders, arrays (H, W, 3) or PIL images; none for the bundled samples.
        encoders: Two or more, from `repscope.load`.
        framing: `square` shows all the same central square; `official` each its published transform.
        layer: 0 for the embedding, k for the residual stream after block k, -1 for the output.
        queries: Places (across, down) in fractions of a photo, whose patches are compared to all others.
        also: Pair measures that are shown only on request: `linear_cka_biased`.
        failed: Encoders that could not be loaded, and why: the report says so in their place.
        strict: Fail on the first photo or encoder that cannot be used, instead of leaving it out by name.
        batch: Photos in one forward pass.
        fast: Decode and scale photos in about half the time, at most two grey levels off; wants simplejpeg.
        stability: Repeat the comparison under choices that should not matter, and hold findings against what they move.
        progress: Called with photos done and photos in all.

    Raises WrongUsage for fewer than two encoders, the same one twice, or a query outside the photo; NoImages,
    UnfitTokens.
    """
    names = [encoder.contract.name for encoder in encoders]
    if len(names) < 2:
        raise WrongUsage(
            f"compare wants two encoders or more; got {', '.join(names) or 'none'}. Name them with -m a,b."
        )
    if twice := {name for name in names if names.count(name) > 1}:
        raise WrongUsage(f"{', '.join(sorted(twice))} is named twice; compare wants encoders that differ.")
    measures, places = measures_of(also), asked(queries)  # mistakes are told before anything is looked at
    study = Study.of(
        images,
        encoders,
        framing=framing,
        layers=(layer,),
        strict=strict,
        batch=batch,
        pace=paced(fast),
        progress=progress,
        failed=tuple(failed),
        attended=PROBED,
    )
    gathered = _Gathered(study.opened(least=2), measures, also, places, stability)
    for photo, views in gathered.study.look():
        gathered.take(photo, [by_layer[0] for by_layer in views])
    return gathered.report()


class _Gathered:
    """What is kept of each photo: values, a few pictures, and one embedding per encoder."""

    def __init__(
        self, study: Study, measures: list[Pair], also: Sequence[str], queries: tuple[Point, ...], stability: bool
    ):
        self.study, self.also, self.probing = study, also, Probing(study, queries)
        self.readings, self.measures = metrics.readings(patches=True), measures
        self.values: list[dict[str, list[Value]]] = [
            {reading.name: [] for reading in self.readings} for _ in study.encoders
        ]
        self.meetings = Meetings(len(study.encoders), self.measures)
        self.stability = Stability(study, _tables.headlines_first(self.readings), self.measures) if stability else None
        self.embeddings: list[list[Any]] = [[] for _ in study.encoders]
        self.spectra: list[list[Any]] = [[] for _ in study.encoders]
        self.shapes: list[tuple[int, int, int]] = []
        self.photos: list[Photo] = []
        self.rounding = Rounding()

    def take(self, photo: Photo, views: list[View]) -> None:
        self.photos.append(photo)
        rows = [metrics.Rows(view.patches) for view in views]
        for values, each in zip(self.values, rows, strict=True):
            for name, value in read(each, self.readings).items():
                values[name].append(value)
        self.meetings.meet(views, rows)
        for kept, spectra, view, each in zip(self.embeddings, self.spectra, views, rows, strict=True):
            kept.append(view.embedding)
            spectra.append(each.moments.spectrum)
        self.probing.take(photo, views)
        if self.stability:
            self.stability.take(photo, views)
        self.shapes = [view.patches.shape for view in views]

    def report(self) -> Report:
        study, names = self.study, self.study.names
        count = len(self.embeddings[0])
        if self.stability:
            self.stability.repeat(self.values, self.meetings)  # before any of them is read again in float32
        self.rounding = settled(study, self.photos, self.readings, self.values, self.meetings)
        numbers = [
            self.rounding.told(k, _tables.measured(self.readings, values, shape))
            for k, (values, shape) in enumerate(zip(self.values, self.shapes, strict=True))
        ]
        matrices = [self._matrix(measure, count) for measure in self.measures]
        probe, pictures = self.probing.blocks()
        blocks: list[Block] = [
            *probe,
            *self._findings(count, numbers),
            *_tables.failures(study),
            *pictures,
            _tables.readings_table(names, numbers, count),
            _tables.spectrum_curve(names, self.spectra),
            *matrices,
            *self._both_nulls(),
            *embedding_blocks(names, [np.stack(kept) for kept in self.embeddings], self.measures),
            *(self.stability.tables() if self.stability else ()),
            _tables.encoders_table(study, self.shapes),
            _tables.registration(names, {pair: met.overlays for pair, met in self.meetings.met.items()}),
            *self.rounding.notes,
            *_tables.photo_notes(study),
            verified_table(study.encoders, count),
        ]
        skipped = tuple((each.source, each.reason) for each in study.skipped)
        return Report(_tables.asked_of(study, count), tuple(blocks), self._provenance(count), skipped)

    def _matrix(self, measure: Pair, count: int) -> Heatmap:
        names, of = self.study.names, "photos" if count > 1 else "photo"
        itself = Number(
            measure.title,
            measure.best if measure.exact else None,
            n=count,
            of=of,
            unit=measure.unit,
            definition=measure.definition,
            reason="" if measure.exact else "a set with itself is not measured",
        )
        cells = tuple(
            tuple(itself if i == j else self._met(measure, i, j) for j in range(len(names))) for i in range(len(names))
        )
        domain = (0.0, 1.0) if measure.better == "higher" else (0.0, float(np.pi / 2))
        return Heatmap(
            measure.title, names, names, cells, domain, "" if measure.laws.swap else "The row foretells the column."
        )

    def _met(self, measure: Pair, i: int, j: int) -> Number:
        """A pair's number; its nulls take their time, after which whoever listens is told."""
        number = self.meetings.numbers(measure, i, j)
        self.study.at_work()
        return self.rounding.told_of_pair(measure, i, j, number)

    def _both_nulls(self) -> list[Table]:
        """Each pair's two nulls side by side, where there are two."""
        names, pairs = self.study.names, []
        for i, j in self.meetings.met:
            asked = [i < j or not measure.laws.swap for measure in self.measures]
            nulls = [self.meetings.nulls(m, i, j) if ask else [] for m, ask in zip(self.measures, asked, strict=True)]
            pairs.append((f"{names[i]}, {names[j]}", nulls))
        return _tables.nulls_table(pairs, [measure.title for measure in self.measures])

    def _provenance(self, count: int) -> dict[str, Any]:
        queries = [list(point) for point in self.probing.queries]
        return provenance(
            self.study,
            "compare",
            under(self.study),
            count,
            also=list(self.also),
            queries=queries,
            stability=bool(self.stability),
        )

    def _findings(self, count: int, numbers: list[dict[str, Number]]) -> list[Note]:
        names, found = self.study.names, []
        cka = metrics.catalogue["linear_cka"]
        assert isinstance(cka, Pair)
        for i in range(len(names)):
            for j in range(i + 1, len(names)):
                number = self.meetings.numbers(cka, i, j)
                if number.value is not None and number.null is not None:
                    moved = self.stability.moved(cka.name, i, j) if self.stability else None
                    found.append(_alike(names[i], names[j], number, len(self.meetings.nulls(cka, i, j)) > 1, moved))
        if count >= TRUSTED:
            return [*found, *_tables.reading_findings(names, numbers, stability=self.stability)]
        few = "One photo has no interval" if count == 1 else f"An interval from {count} photos is too narrow"
        return [*found, Note(f"{few}: no difference between readings is claimed. Give {TRUSTED} photos or more.")]


def _alike(one: str, other: str, number: Number, enough: bool, moved: Moved | None) -> Note:
    null = number.null
    assert null is not None
    beside = f"{null.kind} reach {say(null.q95)} (p {say(null.p)})"
    if not null.exceeded:
        return Note(f"{one} and {other}: CKA {spread(number)} is within its null; {beside}.")
    if not enough or number.ci is None or number.ci[0] <= null.q95:
        return Note(f"{one} and {other}: CKA {spread(number)} is past its null; {beside}.")
    text = f"{one} and {other} arrange patches alike: CKA {spread(number)}; {beside}."
    return _tables.finding(text, (number.value or 0.0) - null.q95, moved)
