"""map: where does each encoder put the images, and what of its neighbourhoods can be seen there?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.analyses._kept import Kept, kept, overlap
from repscope.analyses._layout import METHODS, NAMES, UMAP_NEIGHBOURS, Layout, Method, aligned, layout
from repscope.analyses._map_blocks import notes, shared, table
from repscope.analyses._map_colours import colourings
from repscope.analyses._provenance import of_set
from repscope.analyses._sets import encoders_of
from repscope.analyses._study import Progress
from repscope.analyses._thumbnails import BUDGET, thumbnails
from repscope.errors import UnfitData, UnfitTokens, UnknownName, WrongUsage
from repscope.nearest import nearest, unit
from repscope.report import Map, Note, Points, Report, say
from repscope.report.points import packed
from repscope.statistics import lowest
from repscope.store import Embedded

Array = NDArray[np.floating]
ALIKE = 1e-6
"""Difference of directions that is float32's rounding."""
MOST = 10_000
"""Images on a map, at most: more are not told apart by the eye, and make a page of tens of megabytes."""


def map(  # noqa: A001  # the question's name
    images: Embedded,
    encoders: str | Sequence[str] | None = None,
    *,
    method: Method = "tsne",
    layer: int = -1,
    pool: str | None = None,
    perplexity: float = 30,
    colour: str | None = None,
    k: int = 10,
    seed: int = 0,
    most: int = MOST,
    thumbs: int = BUDGET,
    progress: Progress | None = None,
) -> Report:
    """A map of the images for each encoder, side by side, and how much of the neighbourhoods each map keeps.

    Neighbours are by cosine in the whole width. A map is an aid to looking; the numbers beside it say how far.

    Args:
        images: A set and what encoders said of it.
        encoders: Which of them; all where not given.
        method: `tsne`, `umap` or `pca`; all begin at the first two principal components.
        layer, pool: Which embeddings.
        perplexity: t-SNE's; lowered to (N - 1) / 3 for few images, and said.
        colour: What dots are coloured by at first: `label`, `overlap`, or any other of the page's list.
        k: Neighbours that are compared and shown.
        seed: Of the method, and of which images have a thumbnail where not all can.
        most: Images on the map; of more, those whose ids hash lowest, which is no order's doing.
        thumbs: Bytes of thumbnails, at most; 0 for none.
        progress: Called with the steps done and in all, one an image and encoder.

    Raises UnfitData for fewer than k + 2 images, UnfitTokens where all embeddings are alike, UnknownName for
    an encoder, layer, pool, method or colour there is not, Unsupported where a method's library is missing.
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    if k < 1 or perplexity <= 1 or most < 4:
        raise WrongUsage(f"A map wants k >= 1, a perplexity over 1, most >= 4; got {k}, {perplexity}, {most}.")
    chosen = encoders_of(images, encoders)
    rows = _shown(images, most)
    if len(rows) < max(k + 2, 4):
        raise UnfitData(f"{k} neighbours want {max(k + 2, 4)} images or more on a map; got {len(rows)}. Lower k.")
    used = min(perplexity, (len(rows) - 1) / 3)
    embeddings = {name: np.asarray(images.embedding(name, pool, layer)[rows], np.float32) for name in chosen}
    for name, x in embeddings.items():
        ways = unit(x)
        if np.abs(ways - ways[0]).max() < ALIKE:
            raise UnfitTokens(
                f"{name}: the embeddings of all {len(x):,} images point one way; there is nothing to map."
            )
    steps, whole = 0, len(rows) * (len(chosen) + bool(thumbs))
    sights: dict[str, _Sight] = {}
    for name, x in embeddings.items():
        onto = next(iter(sights.values())).layout.places if sights else None
        sights[name] = _sight(x, method, used, k, seed, onto)
        steps += len(rows)
        if progress:
            progress(steps, whole)
    done = (lambda count: progress(steps + count, whole)) if progress else None
    sprites, said = thumbnails(images, rows, thumbs, seed, done) if thumbs else (None, "")
    pairs = {pair: overlap(*(sights[name].own for name in pair)) for pair in combinations(chosen, 2)}
    agreed = np.mean([*pairs.values()], axis=0) if pairs else None
    found = {name: sight.kept for name, sight in sights.items()}
    colours = colourings(images, rows, embeddings, agreed, found, k, layer, colour)
    ids = tuple(images.ids[rows])
    points = Points(
        f"{NAMES[method]} of {len(rows):,} images",
        ids,
        tuple(_map(name, sight, method, used) for name, sight in sights.items()),
        colours,
        sprites,
        " ".join(filter(None, (_caption(len(rows), len(images), len(chosen), method), said))),
    )
    blocks = [points, table(sights, method, len(rows), k), *shared(chosen, pairs, len(rows), k), *notes(method)]
    if used < perplexity and method == "tsne":
        text = f"Perplexity is {say(used)}, not {say(perplexity)}: {len(rows)} images have no more neighbours to give."
        blocks.append(Note(text, "warning"))
    options: dict[str, Any] = {"method": method, "layer": layer, "pool": pool, "perplexity": used, "k": k}
    options |= {"seed": seed, "most": most, "thumbs": thumbs, "colour": colour}
    title = f"Where {', '.join(chosen)} put {len(rows):,} images of {images.name}"
    return Report(title, tuple(blocks), of_set(images, "map", chosen, **options))


@dataclass(frozen=True, eq=False)
class _Sight:
    """One encoder's map, its own neighbours, and what the one keeps of the other."""

    own: Int[NDArray[np.intp], "N k"]
    layout: Layout
    kept: Kept


def _sight(
    x: Float[Array, "N D"], method: Method, perplexity: float, k: int, seed: int, onto: Float[Array, "N 2"] | None
) -> _Sight:
    own = nearest(x, k).rows
    made = layout(x, method, perplexity, seed)
    places = made.places - made.places.mean(0) if onto is None else aligned(made.places, onto)
    return _Sight(own, Layout(places, made.share), kept(x, own, places))


def _shown(images: Embedded, most: int) -> Int[NDArray[np.intp], " n"]:
    """All images, or those whose ids hash lowest, in the set's order."""
    return np.arange(len(images)) if len(images) <= most else np.sort(lowest(list(images.ids), most))


def _map(name: str, sight: _Sight, method: Method, perplexity: float) -> Map:
    made = {
        "tsne": f"t-SNE, perplexity {say(perplexity)}",
        "umap": f"UMAP, {UMAP_NEIGHBOURS} neighbours",
        "pca": f"The first two principal components, {say(100 * (sight.layout.share or 0))} % of the variance",
    }[method]
    keeps = f"keeps {say(100 * float(sight.kept.shared.mean()))} % of the {sight.own.shape[1]} nearest"
    return Map(name, packed(sight.layout.places, "<f4"), packed(sight.own, "<i4"), caption=f"{made}; {keeps}.")


def _caption(shown: int, there: int, encoders: int, method: Method) -> str:
    part = f"{shown:,} of {there:,} images, those whose ids hash lowest. " if shown < there else ""
    turned = " Maps after the first are turned and mirrored onto it, which changes no distance." if encoders > 1 else ""
    axes = "" if method == "pca" else "Axes have no unit and no meaning of their own."
    return f"{part}{axes}{turned}".strip()
