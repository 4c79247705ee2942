"""Blocks beside a map: how much of the neighbourhoods it keeps, and how many encoders have in common."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses._kept import trust_of_chance
from repscope.analyses._layout import NAMES, Method
from repscope.analyses._numbers import narrow
from repscope.report import Heatmap, Note, Null, Number, Table
from repscope.statistics import interval

Array = NDArray[np.floating]
HELD = "the interval is over images, their neighbours being sought among these images alone"


def table(sights: Mapping[str, Any], method: Method, count: int, k: int) -> Table:
    """A row for each map: neighbours kept, trustworthiness, and for principal components their share of variance."""
    header = ["map", f"{k} nearest kept", "trustworthiness", *(["variance shown"] if method == "pca" else [])]
    rows = [
        (
            name,
            _mean(f"{k} nearest kept", sight.kept.shared, k / (count - 1), _KEPT.format(k=k)),
            _trust(sight.kept.trust, count, k),
            *([_variance(sight.layout.share, count)] if method == "pca" else []),
        )
        for name, sight in sights.items()
    ]
    caption = (
        f"How far the {NAMES[method]} map may be believed: what near images on it say of near images in the encoder."
    )
    return Table("What the maps keep", tuple(header), tuple(rows), caption)


def shared(
    names: Sequence[str], pairs: Mapping[tuple[str, str], Float[Array, " N"]], count: int, k: int
) -> list[Number | Heatmap]:
    """Neighbours that encoders have in common: a number of two encoders, a matrix of more; nothing of one."""
    label = f"Shared {k} nearest"
    numbers = {pair: _mean(label, values, k / (count - 1), _SHARED.format(k=k)) for pair, values in pairs.items()}
    if len(names) < 3:
        return [*numbers.values()]
    same = Number(label, 1.0, n=count, of="images", definition=_SHARED.format(k=k), caveats=("an encoder with itself",))
    cells = tuple(tuple(numbers.get((a, b)) or numbers.get((b, a)) or same for b in names) for a in names)
    return [Heatmap(f"{label}, in the encoders' own spaces", tuple(names), tuple(names), cells)]


def notes(method: Method) -> list[Note]:
    """What such a map cannot say."""
    if method == "pca":
        return [Note("Two components show what varies most, not all that varies: images apart in others lie together.")]
    return [
        Note(
            f"On a {NAMES[method]} map, who is next to whom means something. How far apart clusters lie, how large and "
            "how dense they are, mean little, and another seed or perplexity moves them."
        )
    ]


_KEPT = "Share of an image's {k} nearest by cosine that are among its {k} nearest on the map; mean over images."
_SHARED = "Share of an image's {k} nearest by cosine that both encoders have in common; mean over images."
_TRUST = (
    "1 - 2 / (N k (2N - 3k - 1)) times the sum, over images and those of their {k} nearest on the map that are not "
    "among their {k} nearest by cosine, of rank by cosine less {k} (Venna and Kaski, 2001). 1 where no neighbour on "
    "the map is false; it forgives neighbours that the map tears apart."
)
_VARIANCE = "Share of the variance of embeddings at length 1 that the first two principal components hold."


def _mean(label: str, values: Float[Array, " N"], chance: float, definition: str) -> Number:
    return Number(
        label,
        float(values.mean(dtype=np.float64)),
        interval(values),
        Null("chance", chance, chance),
        len(values),
        "images",
        definition=definition,
        caveats=(HELD, *narrow(len(values), "images")),
    )


def _trust(values: Float[Array, " N"], count: int, k: int) -> Number:
    label, definition = "Trustworthiness", _TRUST.format(k=k)
    if not len(values):
        reason = f"Trustworthiness at {k} wants more than {2 * k} images; got {count}."
        return Number(label, None, definition=definition, reason=reason)
    return _mean(label, values, trust_of_chance(count, k), definition)


def _variance(share: float | None, count: int) -> Number:
    caveats = ("no interval: it is of these images alone",)
    return Number("Variance shown", share, n=count, of="images", definition=_VARIANCE, caveats=caveats)
