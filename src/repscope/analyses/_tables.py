"""Blocks that more than one analysis shows."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from repscope.analyses._numbers import Value, number, separate
from repscope.analyses._stability import Moved, Stability
from repscope.analyses._study import Study
from repscope.frames import Overlay as Laid
from repscope.metrics import Reading
from repscope.report import Curve, Line, Note, Null, Number, Table, against, say, spread

Values = Mapping[str, Sequence[Value]]
"""Reading name -> value of every photo."""

HEADLINES = (
    "effective_rank",
    "participation_ratio",
    "components_90",
    "patch_entropy",
    "isotropy",
    "isotropy_centred",
    "spatial_coherence_centred",
    "intrinsic_dimension",
    "outlier_tokens",
)
"""The readings that findings are made of: one of each kind, none in an encoder's own scale."""


NOTED = 6


def encoders_table(study: Study, shapes: Sequence[tuple[int, int, int]]) -> Table:
    """Who looked: what each encoder is and was shown."""
    rows = []
    for encoder, (height, width, dimensions) in zip(study.encoders, shapes, strict=True):
        contract = encoder.contract
        rows.append(
            (
                contract.name,
                contract.family,
                f"{contract.architecture.depth} x {dimensions}",
                f"{height} x {width}",
                contract.pool,
                f"{contract.parameters / 1e6:,.1f} M" if contract.parameters else "–",
            )
        )
    header = ("encoder", "family", "layers x width", "patch grid", "pool", "parameters")
    return Table("Encoders", header, tuple(rows), caption=_shown(study))


def _shown(study: Study) -> str:
    if study.framing == "square":
        return (
            "Every encoder was shown the same central square of each photo, scaled by its own filter to its own size."
        )
    return (
        "Every encoder was shown each photo through its own published transform; grids are registered by their frames."
    )


def readings_table(names: Sequence[str], numbers: Sequence[Mapping[str, Number]], photos: int) -> Table:
    """A row per reading, a column per encoder."""
    caption = "Mean over photos with 95 % interval." if photos > 1 else "One photo: values without intervals."
    keys = [*HEADLINES, *(key for key in numbers[0] if key not in HEADLINES)]
    rows = tuple((numbers[0][key].label, *(each[key] for each in numbers)) for key in keys)
    return Table("Readings of the patches", ("reading", *names), rows, caption)


def headlines_first(readings: Sequence[Reading]) -> list[Reading]:
    """Readings as the table of readings shows them."""
    places = {name: place for place, name in enumerate(HEADLINES)}
    return sorted(readings, key=lambda reading: places.get(reading.name, len(places)))


def failures(study: Study) -> list[Note]:
    """A word on each encoder that was left out."""
    return [Note(f"{name} is left out: {reason}", "warning") for name, reason in study.failed]


def asked_of(study: Study, count: int) -> str:
    """The encoders, and the one photo by name or how many were looked at; the layer where it is not the output."""
    layer = study.layers[0]
    where = "" if layer == -1 else f", after block {layer}" if layer else ", the embedding layer"
    return f"{', '.join(study.names)} on {photos_named(study, count)}{where}"


def photos_named(study: Study, count: int) -> str:
    """The one photo by name, or how many were looked at."""
    return study.photos[0].id if len(study.photos) == 1 else counted(count)


def counted(count: int, what: str = "photo") -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def shares_of(spectra: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Share of the whole variance in each component, mean over photos."""
    length = min(map(len, spectra))
    return np.mean([spectrum[:length] / spectrum.sum() for spectrum in spectra], axis=0)


def spectrum_curve(names: Sequence[str], spectra: Sequence[Sequence[NDArray[np.float64]]]) -> Curve:
    """Share of the variance in each component, mean over photos of each photo's whole spectrum."""
    lines = []
    for name, each in zip(names, spectra, strict=True):
        shares = shares_of(each)
        kept = shares[shares > 1e-9]  # below that it is rounding, on a logarithmic axis
        lines.append(Line(name, tuple(map(float, range(1, len(kept) + 1))), tuple(map(float, kept))))
    caption = "Mean over photos of each photo's whole spectrum."
    return Curve(
        "Variance spectrum", tuple(lines), "component", "share of variance", log_x=True, log_y=True, caption=caption
    )


def line(label: str, places: Sequence[float], numbers: Sequence[Number]) -> Line:
    """The numbers that have a value, at their places, with a band where all of them have an interval."""
    known = [(place, each) for place, each in zip(places, numbers, strict=True) if each.value is not None]
    low = tuple(each.ci[0] for _, each in known if each.ci is not None)
    high = tuple(each.ci[1] for _, each in known if each.ci is not None)
    return Line(
        label,
        tuple(place for place, _ in known),
        tuple(each.value or 0.0 for _, each in known),
        low if len(low) == len(known) else (),
        high if len(high) == len(known) else (),
    )


def nulls_table(pairs: Sequence[tuple[str, Sequence[Sequence[Null]]]], titles: Sequence[str]) -> list[Table]:
    """Each pair's two nulls under each measure side by side, where there are two."""
    rows = []
    for name, nulls in pairs:
        for kind in ("torus shifts", "other images"):
            cells = [next((against(n) for n in each if n.kind == kind), "–") for each in nulls]
            if any(len(each) > 1 for each in nulls):
                rows.append((name, kind, *cells))
    caption = "The stricter of the two stands beside the value."
    return [Table("Both nulls", ("pair", "null", *titles), tuple(rows), caption)] if rows else []


def registration(names: Sequence[str], overlays: Mapping[tuple[int, int], Sequence[Laid]]) -> Table:
    """On which grid each pair was compared, and how much of its frames the two have in common."""
    rows = []
    for i, j in combinations(range(len(names)), 2):
        grids = sorted({overlay.grid for overlay in overlays[i, j]})
        least = [min(overlay.overlap[k] for overlay in overlays[i, j]) for k in (0, 1)]
        grid = ", ".join(f"{height} x {width}" for height, width in grids)
        rows.append((f"{names[i]}, {names[j]}", grid, f"{least[0]:.0%}, {least[1]:.0%}"))
    caption = "Pairs are compared on the coarser grid, over the frame both were shown (bilinear resampling)."
    return Table("Registration", ("pair", "grid", "share of each frame"), tuple(rows), caption)


def photo_notes(study: Study) -> list[Note]:
    """What had to be done to photos before an encoder could be shown them."""
    noted = [photo for photo in study.photos if photo.notes]
    notes = [Note(f"{photo.id}: {'; '.join(photo.notes)}.") for photo in noted[:NOTED]]
    more = len(noted) - len(notes)
    fast = "Photos were decoded and scaled at the fast pace: pixels may be two grey levels off."
    return [
        *([Note(fast)] if study.pace == "fast" else []),
        *_copies(study),
        *notes,
        *([Note(f"{more} more photos have such notes; they are in the provenance.")] if more else []),
    ]


def _copies(study: Study) -> list[Note]:
    """A warning for photos that are the same file under several names: an interval takes them for several."""
    names: dict[str, list[str]] = {}
    for photo in study.photos:
        names.setdefault(photo.sha256, []).append(photo.id)
    copies = [each for each in names.values() if len(each) > 1]
    if not copies:
        return []
    told = "; ".join(" and ".join(each) for each in copies[:NOTED])
    more = f"; and {len(copies) - NOTED} more" if len(copies) > NOTED else ""
    return [
        Note(f"The same picture under several names: {told}{more}. Intervals take them for different ones.", "warning")
    ]


def measured(readings: Sequence[Reading], values: Values, shape: tuple[int, int, int]) -> dict[str, Number]:
    """Each reading's mean over the photos, with interval."""
    height, width, dimensions = shape
    return {reading.name: number(reading, values[reading.name], (height * width, dimensions)) for reading in readings}


def reading_findings(
    names: Sequence[str],
    numbers: Sequence[Mapping[str, Number]],
    keys: Sequence[str] = HEADLINES,
    stability: Stability | None = None,
) -> list[Note]:
    """A sentence for every one of these readings whose extremes have intervals that do not touch.

    Where it is known how far choices that should not matter move the difference, it must be larger than that.
    """
    found = []
    for key in keys:
        by_name = {name: each[key] for name, each in zip(names, numbers, strict=True)}
        if pair := separate(by_name):
            low, high = (by_name[name] for name in pair)
            unit = f" {high.unit}" if high.unit else ""
            text = f"{high.label}: {pair[1]} {spread(high)}{unit}, {pair[0]} {spread(low)}; the intervals do not touch."
            one, other = (names.index(name) for name in pair)
            moved = stability.apart(key, one, other) if stability else None
            found.append(finding(text, (high.value or 0.0) - (low.value or 0.0), moved))
    return found


def finding(text: str, size: float, moved: Moved | None) -> Note:
    """A finding of this size; faint, with the reason, where choices that should not matter move it as far."""
    if moved is None or abs(size) > moved.by:
        return Note(text, "finding")
    reason = f"within what another choice changes: {say(moved.by)}, {moved.choice}"
    return Note(f"{text.removesuffix('.')} ({reason}).", "faint")
