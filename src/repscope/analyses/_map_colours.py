"""What the dots of a map can be coloured by: labels, agreement between encoders, and every reading of an image."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._kept import Kept
from repscope.errors import UnknownName
from repscope.metrics import catalogue
from repscope.report import Colouring, say
from repscope.report.points import packed
from repscope.store import Embedded

Array = NDArray[np.floating]
LABEL, OVERLAP = "label", "overlap"


def colourings(
    images: Embedded,
    rows: Int[NDArray[np.intp], " n"],
    embeddings: Mapping[str, Array],
    agreed: Float[Array, " n"] | None,
    found: Mapping[str, Kept],
    k: int,
    layer: int,
    first: str | None = None,
) -> tuple[Colouring, ...]:
    """Every colouring there is, the one asked for first; raises UnknownName for one that is none.

    Args:
        rows: The images shown, by their place in the set.
        embeddings: Theirs, by encoder.
        agreed: Share of neighbours that encoders have in common, image by image; None with one encoder.
    """
    made = [*_labels(images, rows)]
    if agreed is not None:
        chance = say(k / (len(rows) - 1))
        about = f"Share of an image's {k} nearest that two encoders have in common, mean over pairs; chance {chance}."
        made.append(Colouring(OVERLAP, packed(agreed, "<f4"), about=about))
    for encoder, each in found.items():
        about = f"Share of an image's {k} nearest under {encoder} that are among its {k} nearest on that map."
        made.append(Colouring(f"kept by the map ({encoder})", packed(each.shared, "<f4"), about=about))
    for encoder, x in embeddings.items():
        norms = np.linalg.norm(x.astype(np.float64), axis=1)
        made.append(_reading(f"norm of the embedding ({encoder})", norms, about="Euclidean length."))
        for name, values in images.readings(encoder, layer).items():
            card = catalogue.get(name)
            about = f"{card.title} of an image's patches." if card else "A reading of an image's patches."
            made.append(_reading(f"{name} ({encoder})", np.asarray(values)[rows], card.unit if card else "", about))
    return _with_first(made, first)


def _labels(images: Embedded, rows: Int[NDArray[np.intp], " n"]) -> list[Colouring]:
    if images.labels is None:
        return []
    labels = images.labels[rows]
    names = sorted({label for label in labels if label is not None}, key=_natural)
    place = {name: float(i) for i, name in enumerate(names)}
    codes = np.array([place.get(label, np.nan) for label in labels])
    return [Colouring(LABEL, packed(codes, "<f4"), tuple(names), about="Class of the image.")] if names else []


def _natural(name: str) -> tuple[bool, float, str]:
    """Classes named by numbers in the order of these."""
    return (False, float(name), name) if name.isdecimal() else (True, 0.0, name)


def _reading(name: str, values: Float[Array, " n"], unit: str = "", about: str = "") -> Colouring:
    """With ends that one image in a hundred lies beyond, so that a few do not take all colours."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [0.01, 0.99]) if len(known) else (0.0, 1.0)
    values = np.where(np.isfinite(values), values, np.nan)
    return Colouring(name, packed(values, "<f4"), domain=(float(low), float(high)), unit=unit, about=about)


def _with_first(made: Sequence[Colouring], first: str | None) -> tuple[Colouring, ...]:
    """The one that is asked for, by its whole name or the part before its encoder, in front of the others."""
    if first is None:
        return tuple(made)
    wanted = [each for each in made if first in (each.name, each.name.partition(" (")[0])]
    if not wanted:
        raise UnknownName("colour of this map", first, [each.name for each in made])
    return (wanted[0], *(each for each in made if each is not wanted[0]))
