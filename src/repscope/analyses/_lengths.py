"""Lengths: how long tokens are, which are far longer than the others, and where those lie."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope import metrics
from repscope.analyses._numbers import number
from repscope.analyses._sets import Album
from repscope.metrics import Reading
from repscope.report import Block, Curve, Line, Number, Overlay, Table, say
from repscope.statistics import interval
from repscope.store import Sample

BINS, OVER = 40, 3.0
GAP = "Longest token of an image over its median, mean over images."


def relative(patches: Float[NDArray[np.floating], "I H W D"]) -> Float[NDArray[np.float64], "I H W"]:
    """Length of each patch over the median of its image."""
    norms = np.linalg.norm(patches.astype(np.float64), axis=-1)
    median = np.median(norms, axis=(1, 2), keepdims=True)
    return np.divide(norms, median, out=np.ones_like(norms), where=median > 0)


def lengths(samples: dict[str, Sample], album: Album) -> list[Block]:
    """A table of outlier tokens and their gap, where on the grid they lie, and the histogram of lengths."""
    if not samples:
        return []
    ratios = {name: relative(sample.patches) for name, sample in samples.items()}
    rows = tuple(
        (label, *(make(ratios[name], samples[name]) for name in samples))
        for label, make in (("outlier tokens", _outliers), ("longest over median", _longest), ("gap", _gap))
    )
    caption = "Of the images whose patch grids were kept."
    table = Table("Long tokens", ("", *samples), rows, caption)
    return [table, *_maps(samples, ratios, album), _histogram("Patch norms", "patches", ratios)]


def _outliers(ratios: NDArray[np.float64], sample: Sample) -> Number:
    card = metrics.catalogue["outlier_tokens"]
    assert isinstance(card, Reading)
    shares = (ratios > OVER).mean((1, 2)).tolist()
    return number(card, shares, (ratios[0].size, sample.patches.shape[-1]), of="images")


def _longest(ratios: NDArray[np.float64], sample: Sample) -> Number:  # noqa: ARG001
    each = ratios.max((1, 2))
    return Number(
        "longest over median", float(each.mean()), interval(each), n=len(each), of="images", unit="×", definition=GAP
    )


def _gap(ratios: NDArray[np.float64], sample: Sample) -> Number:  # noqa: ARG001
    """How far apart outliers and the others are: a rule of 3 medians that cuts through a tail has no gap."""
    over, rest = ratios[ratios > OVER], ratios[ratios <= OVER]
    definition = "Shortest outlier over the longest token that is none, lengths over their image's median."
    if not len(over):
        return Number("gap", None, definition=definition, reason="No token is over 3 times the median.")
    caveats = ("an extreme of all tokens: no interval",)
    value = float(over.min() / rest.max())
    return Number("gap", value, n=len(over), of="outliers", unit="×", definition=definition, caveats=caveats)


def _maps(samples: dict[str, Sample], ratios: dict[str, NDArray[np.float64]], album: Album) -> list[Overlay]:
    """Where outliers lie: share of images with one at each place, over their mean picture."""
    found = []
    for name, each in ratios.items():
        share = (each > OVER).mean(0)
        if share.max() > 0:
            photo = mean_picture(samples[name], album)
            caption = f"Share of {len(each)} images whose patch here is over 3 times their median; over their mean."
            found.append(
                Overlay(f"Outlier tokens: {name}", photo, share, (0.0, float(share.max())), None, "share", caption)
            )
    return found


def mean_picture(sample: Sample, album: Album, side: int = 128, most: int = 32) -> NDArray[np.uint8]:
    """The mean of what was shown of the sample's images; grey where none can be read."""
    from PIL import Image

    seen = []
    for row, frame in list(zip(sample.rows.tolist(), sample.frames, strict=True))[:most]:
        picture = album.picture(row, "")
        if picture is None:
            continue
        image = Image.fromarray(picture.pixels)
        box = (frame.left * image.width, frame.top * image.height, frame.right * image.width)
        seen.append(np.asarray(image.resize((side, side), box=(*box, frame.bottom * image.height)), np.float64))
    if not seen:
        return np.full((side, side, 3), 128, np.uint8)
    return np.rint(np.mean(seen, axis=0)).astype(np.uint8)


def embedding_norms(embeddings: dict[str, Float[NDArray[np.floating], "N D"]]) -> Curve:
    """Histogram of the embeddings' lengths over their median."""
    ratios = {}
    for name, x in embeddings.items():
        norms = np.sqrt(np.einsum("nd,nd->n", x, x, dtype=np.float64))
        ratios[name] = norms / (np.median(norms) or 1.0)
    return _histogram("Embedding norms", "images", ratios)


def _histogram(title: str, what: str, ratios: dict[str, NDArray[np.float64]]) -> Curve:
    """One line for each encoder, over lengths in medians: scales of encoders have nothing in common."""
    low = min(float(each.min()) for each in ratios.values())
    high = max(float(np.quantile(each, 0.999)) for each in ratios.values())
    edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
    beyond = [f"{name} reaches {say(float(each.max()))}" for name, each in ratios.items() if each.max() > edges[-1]]
    lines = []
    for name, each in ratios.items():
        heights = np.histogram(each, edges)[0] / each.size
        lines.append(Line(name, tuple(map(float, edges[:-1])), tuple(map(float, heights))))
    caption = "Lengths over their median." + (f" Not drawn: {'; '.join(beyond)}." if beyond else "")
    return Curve(title, tuple(lines), "length over median", f"share of {what}", style="bars", caption=caption)


def spectra(title: str, named: Sequence[tuple[str, NDArray[np.float64]]], of: str) -> Curve:
    """Share of variance in each component, of the whole spectrum."""
    lines = []
    for name, values in named:
        share = values / values.sum()
        kept = share[share > 1e-9]  # below that it is rounding, on a logarithmic axis
        lines.append(Line(name, tuple(map(float, range(1, len(kept) + 1))), tuple(map(float, kept))))
    caption = f"Eigenvalues of the centred covariance of {of}, over their sum."
    return Curve(title, tuple(lines), "component", "share of variance", log_x=True, log_y=True, caption=caption)
