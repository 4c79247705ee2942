"""compare: how differently do these encoders see the same photos?"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from repscope import metrics
from repscope.analyses import _tables
from repscope.analyses._embeddings import embedding_blocks
from repscope.analyses._numbers import TRUSTED, Value, read
from repscope.analyses._pairs import Meetings
from repscope.analyses._pictures import pca_maps, shaped_like, shown
from repscope.analyses._provenance import provenance
from repscope.analyses._study import Progress, Study, View
from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.errors import UnknownName, WrongUsage
from repscope.extract import BATCH
from repscope.images import Photo
from repscope.metrics import Pair
from repscope.report import Block, Gallery, Heatmap, Note, Number, Picture, Report, Table, say, spread

PICTURED = 4


def compare(
    images: Any,
    encoders: Sequence[Encoder],
    *,
    framing: Framing = "square",
    also: Sequence[str] = (),
    strict: bool = False,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Report:
    """Every reading of every encoder side by side, and every pair measure with its null and interval.

    Args:
        images: Paths, folders, arrays (H, W, 3) or PIL images; none for the bundled samples.
        encoders: Two or more, from `repscope.load`.
        framing: `square` shows all the same central square; `official` each its published transform.
        also: Pair measures that are shown only on request: `linear_cka_biased`.
        strict: Fail on the first photo that cannot be used, instead of skipping it by name.
        batch: Photos in one forward pass.
        progress: Called with photos done and photos in all.

    Raises WrongUsage for fewer than two encoders or the same one twice, NoImages, UnfitTokens.
    """
    names = [encoder.contract.name for encoder in encoders]
    if len(names) < 2:
        raise WrongUsage(
            f"compare wants two encoders or more; got {', '.join(names) or 'none'}. Name them with -m a,b."
        )
    if twice := {name for name in names if names.count(name) > 1}:
        raise WrongUsage(f"{', '.join(sorted(twice))} is named twice; compare wants encoders that differ.")
    study = Study.of(images, encoders, framing=framing, strict=strict, batch=batch, progress=progress)
    gathered = _Gathered(study, also)
    for photo, views in study.look():
        gathered.take(photo, [by_layer[0] for by_layer in views])
    return gathered.report()


class _Gathered:
    """What is kept of each photo: values, a few pictures, and one embedding per encoder."""

    def __init__(self, study: Study, also: Sequence[str]):
        self.study, self.also = study, also
        self.readings, self.measures = metrics.readings(patches=True), _measures(also)
        self.values: list[dict[str, list[Value]]] = [
            {reading.name: [] for reading in self.readings} for _ in study.encoders
        ]
        self.meetings = Meetings(len(study.encoders), self.measures)
        self.pictured = {photo.id for photo in study.photos[:PICTURED]}
        self.pictures: dict[str, tuple[Photo, list[View]]] = {}
        self.embeddings: list[list[Any]] = [[] for _ in study.encoders]
        self.spectra: list[list[Any]] = [[] for _ in study.encoders]
        self.shapes: list[tuple[int, int, int]] = []

    def take(self, photo: Photo, views: list[View]) -> None:
        rows = [metrics.Rows(view.patches) for view in views]
        for values, each in zip(self.values, rows, strict=True):
            for name, value in read(each, self.readings).items():
                values[name].append(value)
        self.meetings.meet(views, rows)
        for kept, spectra, view, each in zip(self.embeddings, self.spectra, views, rows, strict=True):
            kept.append(view.embedding)
            spectra.append(each.moments.spectrum)
        if photo.id in self.pictured:
            self.pictures[photo.id] = (photo, views)
        self.shapes = [view.patches.shape for view in views]

    def report(self) -> Report:
        study, names = self.study, self.study.names
        count = len(self.embeddings[0])
        numbers = [
            _tables.measured(self.readings, values, shape)
            for values, shape in zip(self.values, self.shapes, strict=True)
        ]
        matrices = [self._matrix(measure, count) for measure in self.measures]
        blocks: list[Block] = [
            *self._findings(count, numbers),
            *self._galleries(),
            _tables.readings_table(names, numbers, count),
            _tables.spectrum_curve(names, self.spectra),
            *matrices,
            *self._both_nulls(),
            *embedding_blocks(names, [np.stack(kept) for kept in self.embeddings], self.measures),
            _tables.encoders_table(study, self.shapes),
            self._registration(),
            *_tables.photo_notes(study),
        ]
        title = f"{', '.join(names)} on {_tables.photos_named(study, count)}"
        skipped = tuple((each.source, each.reason) for each in study.skipped)
        return Report(title, tuple(blocks), provenance(study, "compare", also=list(self.also)), skipped)

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
            tuple(itself if i == j else self.meetings.numbers(measure, i, j) for j in range(len(names)))
            for i in range(len(names))
        )
        domain = (0.0, 1.0) if measure.better == "higher" else (0.0, float(np.pi / 2))
        return Heatmap(
            measure.title, names, names, cells, domain, "" if measure.laws.swap else "The row foretells the column."
        )

    def _both_nulls(self) -> list[Table]:
        """Each pair's two nulls side by side, where there are two."""
        names, pairs = self.study.names, []
        for i, j in self.meetings.met:
            asked = [i < j or not measure.laws.swap for measure in self.measures]
            nulls = [self.meetings.nulls(m, i, j) if ask else [] for m, ask in zip(self.measures, asked, strict=True)]
            pairs.append((f"{names[i]}, {names[j]}", nulls))
        return _tables.nulls_table(pairs, [measure.title for measure in self.measures])

    def _side_by_side(self, photo: Photo, views: list[View], maps: list[Any]) -> tuple[Picture, ...]:
        """What was shown, once for each frame, and the maps after it at its shape."""
        pictures: list[Picture] = []
        for k, (name, view, colours) in enumerate(zip(self.study.names, views, maps, strict=True)):
            seen = shown(photo, view)
            if k == 0 or view.frame != views[k - 1].frame:
                pictures.append(Picture("as shown" if k == 0 else f"as shown to {name}", seen))
            pictures.append(Picture(name, shaped_like(colours, seen)))
        return tuple(pictures)

    def _registration(self) -> Table:
        """On which grid each pair was compared, and how much of its frames the two have in common."""
        names, rows = self.study.names, []
        for i, j in combinations(range(len(names)), 2):
            overlays = self.meetings.met[i, j].overlays
            grids = sorted({overlay.grid for overlay in overlays})
            least = [min(overlay.overlap[k] for overlay in overlays) for k in (0, 1)]
            grid = ", ".join(f"{height} x {width}" for height, width in grids)
            rows.append((f"{names[i]}, {names[j]}", grid, f"{least[0]:.0%}, {least[1]:.0%}"))
        caption = "Pairs are compared on the coarser grid, over the frame both were shown (bilinear resampling)."
        return Table("Registration", ("pair", "grid", "share of each frame"), tuple(rows), caption)

    def _findings(self, count: int, numbers: list[dict[str, Number]]) -> list[Note]:
        names, found = self.study.names, []
        cka = metrics.catalogue["linear_cka"]
        assert isinstance(cka, Pair)
        for i in range(len(names)):
            for j in range(i + 1, len(names)):
                number = self.meetings.numbers(cka, i, j)
                if number.value is not None and number.null is not None:
                    found.append(_alike(names[i], names[j], number, len(self.meetings.nulls(cka, i, j)) > 1))
        if count >= TRUSTED:
            return [*found, *_tables.reading_findings(names, numbers)]
        few = "One photo has no interval" if count == 1 else f"An interval from {count} photos is too narrow"
        return [*found, Note(f"{few}: no difference between readings is claimed. Give {TRUSTED} photos or more.")]

    def _galleries(self) -> list[Gallery]:
        ordered = [self.pictures[photo.id] for photo in self.study.photos if photo.id in self.pictures]
        if not ordered:  # the photos that would be shown were skipped
            return []
        caption = (
            "First three principal components of the patches as red, green, blue: one basis per encoder over "
            f"{_tables.counted(len(ordered))}. Colours do not compare between encoders."
        )
        maps = [pca_maps([views[e].patches for _, views in ordered]) for e in range(len(self.study.names))]
        return [
            Gallery(
                f"PCA maps: {photo.id}",
                self._side_by_side(photo, views, [each[place] for each in maps]),
                "" if place else caption,
            )
            for place, (photo, views) in enumerate(ordered)
        ]


ORDER = ("linear_cka", "mutual_knn", "cknna", "procrustes", "ridge_map", "rsa", "cca")
ON_REQUEST = ("linear_cka_biased",)


def _measures(also: Sequence[str]) -> list[Pair]:
    """Every pair measure, the best known first; those shown only on request where they are asked for."""
    if unknown := set(also) - set(metrics.catalogue):
        raise UnknownName("metric", min(unknown), metrics.catalogue, "metrics")
    known = {pair.name: pair for pair in metrics.pairs() if pair.name not in ON_REQUEST or pair.name in also}
    return sorted(known.values(), key=lambda pair: ORDER.index(pair.name) if pair.name in ORDER else len(ORDER))


def _alike(one: str, other: str, number: Number, enough: bool) -> Note:
    null = number.null
    assert null is not None
    beside = f"{null.kind} reach {say(null.q95)} (p {say(null.p)})"
    if not null.exceeded:
        return Note(f"{one} and {other}: CKA {spread(number)} is within its null; {beside}.")
    if not enough or number.ci is None or number.ci[0] <= null.q95:
        return Note(f"{one} and {other}: CKA {spread(number)} is past its null; {beside}.")
    return Note(f"{one} and {other} arrange patches alike: CKA {spread(number)}; {beside}.", "finding")
