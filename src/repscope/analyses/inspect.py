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
from repscope.analyses._pictures import shown
from repscope.analyses._probing import PICTURED, PROBED, Point, Probing, asked
from repscope.analyses._provenance import provenance, under
from repscope.analyses._rounding import settled
from repscope.analyses._study import Progress, Study, View
from repscope.analyses._verified import verified_table
from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.errors import RepscopeError
from repscope.extract import BATCH
from repscope.images import Photo
from repscope.images.pace import paced
from repscope.metrics import Reading, Rows
from repscope.metrics.patch_entropy import entropies
from repscope.report import Block, Curve, Line, Note, Number, Overlay, Report, Table, say, spread

BINS = 24
DEPTHS = (
    "effective_rank",
    "isotropy_centred",
    "spatial_coherence_centred",
    "patch_entropy",
    "token_norm",
    "outlier_tokens",
)


def inspect(
    images: Any,
    encoder: Encoder,
    *,
    layers: bool = False,
    queries: Sequence[Point] = (),
    framing: Framing = "official",
    layer: int = -1,
    strict: bool = False,
    batch: int = BATCH,
    fast: bool = False,
    progress: Progress | None = None,
) -> Report:
    """All readings of one encoder, its spectrum, norms, CLS token, and what its patches look like.

    Args:
        images: Paths, folders, arrays (H, W, 3) or PIL images; none for the bundled samples.
        encoder: From `repscope.load`.
        layers: Also readings after every block.
        queries: Places (across, down) in fractions of the photo whose patches are compared to all
            others; by default three patches that differ most.
        framing: `official` uses the encoder's published transform, `square` the central square.
        layer: 0 for the embedding, k for the residual stream after block k, -1 for the output.
        strict: Fail on the first photo that cannot be used, instead of skipping it by name.
        batch: Photos in one forward pass.
        fast: Decode and scale photos in about half the time, at most two grey levels off; wants simplejpeg.
        progress: Called with photos done and photos in all.

    Raises WrongUsage for a query outside the photo, NoImages, UnfitTokens.
    """
    depth = encoder.contract.architecture.depth
    wanted = (layer, *range(depth + 1)) if layers else (layer,)
    study = Study.of(
        images,
        (encoder,),
        framing=framing,
        strict=strict,
        batch=batch,
        pace=paced(fast),
        progress=progress,
        layers=wanted,
        attended=PROBED,
    )
    gathered = _Gathered(study, asked(queries))
    for photo, (by_layer,) in study.look():
        gathered.take(photo, by_layer)
    return gathered.report()


class _Gathered:
    """What is kept of each photo."""

    def __init__(self, study: Study, queries: tuple[Point, ...]):
        self.study, self.probing = study, Probing(study, queries)
        self.readings = metrics.readings(patches=True)
        self.values: dict[str, list[Value]] = {reading.name: [] for reading in self.readings}
        self.by_layer: list[dict[str, list[Value]]] = [{name: [] for name in DEPTHS} for _ in study.layers[1:]]
        self.scales: dict[tuple[str, int], list[Value]] = {}
        self.spectra: list[Float[NDArray[np.float64], " m"]] = []
        self.entropies: list[float] = []
        self.norms: list[Float[NDArray[np.float64], " n"]] = []
        self.cls_norms: list[Value] = []
        self.shape = (0, 0, 0)
        self.photos: list[Photo] = []

    def take(self, photo: Photo, views: Sequence[View]) -> None:
        self.photos.append(photo)
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
        self.probing.take(photo, views[:1])
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
        rounding = settled(study, self.photos, self.readings, [self.values])
        numbers = rounding.told(0, _tables.measured(self.readings, self.values, self.shape))
        probe, pictures = self.probing.blocks()
        blocks: list[Block] = [
            *probe,
            *self._findings(numbers, count),
            *pictures,
            *self._cls_maps(),
            _tables.readings_table((name,), [numbers], count),
            *self._cls_block(),
            *self._curves(),
            self._scales_table(),
            *self._seeds(),
            *self._depth_curves(),
            *rounding.notes,
            *_tables.photo_notes(study),
            contract_table(study.encoders[0].contract, study.encoders[0].revision),
            verified_table(study.encoders, count),
        ]
        skipped = tuple((each.source, each.reason) for each in study.skipped)
        queries = [list(point) for point in self.probing.queries]
        made = provenance(study, "inspect", under(study), count, queries=queries)
        return Report(_tables.asked_of(study, count), tuple(blocks), made, skipped)

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

    def _cls_maps(self) -> list[Overlay]:
        seen = self.probing.seen()[:PICTURED]
        return [_cls_map(photo, view) for photo, (view,) in seen if view.cls is not None]

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


_DEPTH = "The residual stream after each block, before any final norm."


def _some(names: Sequence[str]) -> list[Reading]:
    return [reading for name in names if isinstance(reading := metrics.catalogue[name], Reading)]


def _cls_map(photo: Photo, view: View) -> Overlay:
    """Cosine of the CLS token with every patch, neither centred: they share one mean only by accident."""
    cls = np.asarray(view.cls, np.float64)
    values = (Rows(view.patches).unit @ (cls / np.linalg.norm(cls))).reshape(view.patches.shape[:2])
    ends = (float(values.min()), float(values.max()))
    title, caption = f"CLS and patches: {photo.id}", "Cosine, not centred."
    return Overlay(title, shown(photo, view.frame), values, ends, unit="cosine", caption=caption)
