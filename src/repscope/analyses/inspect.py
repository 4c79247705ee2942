"""inspect: what does one encoder make of these photos?"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope import metrics
from repscope.analyses import _tables
from repscope.analyses._contracts import contract_table
from repscope.analyses._numbers import Value, number, read, valued
from repscope.analyses._pictures import pca_maps, places_apart, shaped_like, shown, similarity
from repscope.analyses._provenance import provenance
from repscope.analyses._study import Progress, Study, View
from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.errors import RepscopeError, WrongUsage
from repscope.extract import BATCH
from repscope.frames import Frame
from repscope.images import Photo
from repscope.metrics import Reading, Rows
from repscope.metrics.patch_entropy import entropies
from repscope.report import Block, Curve, Gallery, Line, Note, Number, Overlay, Picture, Report, Table, say, spread

PICTURED = 4
BINS = 24
DEPTHS = (
    "effective_rank",
    "isotropy_centred",
    "spatial_coherence_centred",
    "patch_entropy",
    "token_norm",
    "outlier_tokens",
)
Point = tuple[float, float]


def inspect(
    images: Any,
    encoder: Encoder,
    *,
    layers: bool = False,
    points: Sequence[Point] = (),
    framing: Framing = "official",
    strict: bool = False,
    batch: int = BATCH,
    progress: Progress | None = None,
) -> Report:
    """All readings of one encoder, its spectrum, norms, CLS token, and what its patches look like.

    Args:
        images: Paths, folders, arrays (H, W, 3) or PIL images; none for the bundled samples.
        encoder: From `repscope.load`.
        layers: Also readings after every block.
        points: Places (across, down) in fractions of the photo whose patches are compared to all
            others; by default three patches that differ most.
        framing: `official` uses the encoder's published transform, `square` the central square.
        strict: Fail on the first photo that cannot be used, instead of skipping it by name.
        batch: Photos in one forward pass.
        progress: Called with photos done and photos in all.

    Raises WrongUsage for a point outside the photo, NoImages, UnfitTokens.
    """
    if outside := [point for point in points if not all(0 <= place <= 1 for place in point)]:
        raise WrongUsage(f"A point is two fractions of the photo, across and down, each 0 to 1; got {outside[0]}.")
    depth = encoder.contract.architecture.depth
    asked = (-1, *range(depth + 1)) if layers else (-1,)
    study = Study.of(images, (encoder,), framing=framing, strict=strict, batch=batch, progress=progress, layers=asked)
    gathered = _Gathered(study, points)
    for photo, (by_layer,) in study.look():
        gathered.take(photo, by_layer)
    return gathered.report()


class _Gathered:
    """What is kept of each photo."""

    def __init__(self, study: Study, points: Sequence[Point]):
        self.study, self.points = study, points
        self.readings = metrics.readings(patches=True)
        self.values: dict[str, list[Value]] = {reading.name: [] for reading in self.readings}
        self.by_layer: list[dict[str, list[Value]]] = [{name: [] for name in DEPTHS} for _ in study.layers[1:]]
        self.scales: dict[tuple[str, int], list[Value]] = {}
        self.spectra: list[Float[NDArray[np.float64], " m"]] = []
        self.entropies: list[float] = []
        self.norms: list[Float[NDArray[np.float64], " n"]] = []
        self.cls_norms: list[Value] = []
        self.pictured = {photo.id for photo in study.photos[:PICTURED]}
        self.pictures: dict[str, tuple[Photo, View, Rows]] = {}
        self.shape = (0, 0, 0)

    def take(self, photo: Photo, views: Sequence[View]) -> None:
        output, rows = views[0], Rows(views[0].patches)
        for name, value in read(rows, self.readings).items():
            self.values[name].append(value)
        for kept, view in zip(self.by_layer, views[1:], strict=True):
            for name, value in read(Rows(view.patches), _some(DEPTHS)).items():
                kept[name].append(value)
        self._scales_of(rows)
        with contextlib.suppress(RepscopeError):  # too few patches: the reading says so
            self.entropies.append(np.ptp(entropies(rows)))
        self.spectra.append(rows.moments.spectrum)
        self.norms.append(rows.norms)
        if output.cls is not None:
            self.cls_norms.append(float(np.linalg.norm(output.cls)))
        if photo.id in self.pictured:
            self.pictures[photo.id] = (photo, output, rows)
        self.shape = output.patches.shape

    def _scales_of(self, rows: Rows) -> None:
        """Intrinsic dimension on all patches, a half and a quarter: one that keeps growing is no dimension."""
        order = np.random.default_rng(0).permutation(len(rows))
        for reading in _some(("intrinsic_dimension", "intrinsic_dimension_mle")):
            for part in (1, 2, 4):
                some = rows.values[order[: len(rows) // part]]
                self.scales.setdefault((reading.name, part), []).append(valued(reading, some))

    def report(self) -> Report:
        study, name = self.study, self.study.names[0]
        count = len(self.spectra)
        numbers = _tables.measured(self.readings, self.values, self.shape)
        blocks: list[Block] = [
            *self._findings(numbers, count),
            *self._pictures(),
            _tables.readings_table((name,), [numbers], count),
            *self._cls_block(),
            *self._curves(),
            self._scales_table(),
            *self._seeds(),
            *self._depth_curves(),
            *_tables.photo_notes(study),
            contract_table(study.encoders[0].contract, study.encoders[0].revision),
        ]
        title = f"{name} on {_tables.photos_named(study, count)}"
        skipped = tuple((each.source, each.reason) for each in study.skipped)
        points = [list(point) for point in self.points]
        return Report(title, tuple(blocks), provenance(study, "inspect", points=points), skipped)

    def _findings(self, numbers: Mapping[str, Number], count: int) -> list[Note]:
        rank, outliers = numbers["effective_rank"], numbers["outlier_tokens"]
        height, width, dimensions = self.shape
        found = [
            Note(
                f"{height * width} patches of {dimensions} numbers spread over {spread(rank)} effective dimensions.",
                "finding",
            )
        ]
        if outliers.value:
            found.append(Note(f"{outliers.value:.1%} of patches are longer than 3 times the median.", "finding"))
        if count == 1:
            found.append(Note("One photo has no interval. Give several photos to see how far readings move."))
        return found

    def _pictures(self) -> list[Gallery | Overlay | Note]:
        ordered = [self.pictures[photo.id] for photo in self.study.photos if photo.id in self.pictures]
        if not ordered:  # the photos that would be shown were skipped
            return []
        maps = pca_maps([view.patches for _, view, _ in ordered])
        blocks: list[Gallery | Overlay | Note] = []
        for (photo, view, rows), colours in zip(ordered, maps, strict=True):
            seen = shown(photo, view)
            pictures = (Picture("as shown", seen), Picture("PCA map", shaped_like(colours, seen)))
            blocks.append(Gallery(f"PCA map: {photo.id}", pictures, _PCA))
            asked = {point: _place(point, view.frame, self.shape) for point in self.points}
            blocks += [Note(_UNSEEN.format(*point, photo.id), "warning") for point in asked if asked[point] is None]
            places = list(asked.values()) if asked else places_apart(rows)
            for place in dict.fromkeys(place for place in places if place is not None):
                title = f"Like row {place[0] + 1}, column {place[1] + 1}: {photo.id}"
                blocks.append(similarity(seen, rows, place, title, _LIKE))
            if view.cls is not None:
                blocks.append(_cls_map(seen, view, rows, photo.id))
        return blocks

    def _cls_block(self) -> list[Block]:
        if not self.cls_norms:
            return [Note("This encoder has no CLS token.")]
        norm = metrics.catalogue["token_norm"]
        made = number(norm, self.cls_norms, (1, self.shape[2]))
        patch = number(norm, self.values["token_norm"], (1, self.shape[2]))
        row = (("CLS", made), ("patches, mean", patch))
        return [Table("CLS token", ("token", "norm"), row, "In the encoder's own scale.")]

    def _curves(self) -> list[Curve]:
        shares, name = _tables.shares_of(self.spectra), self.study.names[0]
        places = tuple(map(float, range(1, len(shares) + 1)))
        norms = np.concatenate(self.norms)
        heights, edges = np.histogram(norms, BINS)
        bars = Line(name, tuple(map(float, edges[:-1])), tuple(map(float, heights)))
        outlying = (
            f"Longest {norms.max():.3g}, {norms.max() / np.median(norms):.2f} times the median; over 3 is an outlier."
        )
        whole = "Mean over photos of each photo's whole spectrum."
        return [
            _tables.spectrum_curve((name,), (self.spectra,)),
            Curve(
                "Cumulative variance",
                (Line(name, places, tuple(map(float, np.cumsum(shares)))),),
                "component",
                "share of variance up to it",
                caption=whole,
            ),
            Curve("Patch norms", (bars,), "norm", "patches", style="bars", caption=outlying),
        ]

    def _scales_table(self) -> Table:
        count = self.shape[0] * self.shape[1]
        rows = tuple(
            (
                reading.title,
                *(
                    number(reading, self.scales[reading.name, part], (count // part, self.shape[2]))
                    for part in (1, 2, 4)
                ),
            )
            for reading in _some(("intrinsic_dimension", "intrinsic_dimension_mle"))
        )
        header = ("estimator", *(f"{count // part} patches" for part in (1, 2, 4)))
        return Table("Intrinsic dimension by scale", header, rows, "One that grows with the patches is not settled.")

    def _seeds(self) -> list[Note]:
        if not self.entropies:
            return []
        return [Note(f"Patch entropy spreads by {say(float(np.mean(self.entropies)))} bits over the seeds of k-means.")]

    def _depth_curves(self) -> list[Curve]:
        return [
            Curve(
                f"{reading.title} by layer",
                (self._line(reading),),
                "layer (0 is the embedding)",
                reading.unit or reading.title,
                caption=_DEPTH + (" Band: 95 % interval." if len(self.spectra) > 1 else ""),
            )
            for reading in (_some(DEPTHS) if self.by_layer else [])
        ]

    def _line(self, reading: Reading) -> Line:
        count = self.shape[0] * self.shape[1]
        numbers = [number(reading, kept[reading.name], (count, self.shape[2])) for kept in self.by_layer]
        return _tables.line(self.study.names[0], [float(layer) for layer in range(len(numbers))], numbers)


_PCA = "First three principal components of the patches as red, green, blue: one basis over all photos shown."
_DEPTH = "The residual stream after each block, before any final norm."
_UNSEEN = "The point {}, {} of {} is outside what the encoder was shown; try --frame official or another point."
_LIKE = "Cosine of the marked patch with every patch, their mean removed."


def _some(names: Sequence[str]) -> list[Reading]:
    return [reading for name in names if isinstance(reading := metrics.catalogue[name], Reading)]


def _place(point: Point, frame: Frame, shape: tuple[int, int, int]) -> tuple[int, int] | None:
    """Row and column of the patch at a point of the photo; None where the encoder was not shown it."""
    across, down = (point[0] - frame.left) / frame.width, (point[1] - frame.top) / frame.height
    if not (0 <= across <= 1 and 0 <= down <= 1):
        return None
    return min(int(down * shape[0]), shape[0] - 1), min(int(across * shape[1]), shape[1] - 1)


def _cls_map(seen: Any, view: View, rows: Rows, photo: str) -> Overlay:
    """Cosine of the CLS token with every patch, neither centred: they share one mean only by accident."""
    cls = np.asarray(view.cls, np.float64)
    values = (rows.unit @ (cls / np.linalg.norm(cls))).reshape(view.patches.shape[:2])
    ends = (float(values.min()), float(values.max()))
    return Overlay(f"CLS and patches: {photo}", seen, values, ends, unit="cosine", caption="Cosine, not centred.")
