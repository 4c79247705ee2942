"""neighbors: which images of a set does each encoder put nearest to this one?"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses._near import MEAN, Near, shared
from repscope.analyses._pictures import shown
from repscope.analyses._sets import SIDE, Album, Steps, answered, counted, encoders_of, enough, labelled, pooled
from repscope.analyses._study import Progress
from repscope.errors import UnfitData, UnfitTokens, UnknownName, WrongUsage
from repscope.frames import Frame
from repscope.images import Photo
from repscope.report import Block, Cell, Gallery, Note, Picture, Report, Table, against
from repscope.store import Embedded

Vectors = Mapping[str, Float[NDArray[np.floating], " D"]]


def neighbors(
    images: Embedded,
    photo: str | Photo,
    encoders: str | Sequence[str] | None = None,
    *,
    k: int = 10,
    queries: Vectors | None = None,
    pool: str | None = None,
    layer: int = -1,
    centred: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """The k nearest images to one under each encoder, exactly, side by side; those that several have are marked.

    Args:
        photo: The id of an image of the set, which is then no neighbour of itself; or a photo, in the set or not.
        encoders: Which of the set's; all where none are named.
        k: Neighbours of each encoder.
        queries: Encoder -> embedding of a photo that is not in the set.
        pool: `cls` or `mean`; the one each encoder's authors use where not given.
        layer: 0 for the embedding, k for the residual stream after block k, -1 for the output.
        centred: Take the mean of the set off first: cosines are then of what tells images apart.
        seed: Of the random pairs.
        progress: Called with encoders done and encoders in all.

    Raises UnknownName for an id that is not in the set, UnfitData for fewer images than k, WrongUsage for a photo
    from elsewhere without queries, UnfitTokens where an encoder puts all images in one place.
    """
    names = encoders_of(images, encoders)
    if k < 1:
        raise WrongUsage(f"neighbors wants k of 1 or more; got {k}.")
    row, asked = _place(images, photo, queries)
    enough(images, max(k + (row is not None), 3), f"neighbors with k = {k}")
    pools, steps, ids = pooled(images, names, pool, layer), Steps(len(names), progress), images.ids.tolist()
    found = []
    for name in names:
        bank = images.embedding(name, pools[name], layer)
        _told_apart(name, bank)
        query = bank[row] if row is not None else _query(name, queries)
        found.append(Near.of(name, bank, np.asarray(query), row, ids, centred, seed))
        steps()
    album = Album(images)
    blocks: list[Block] = [
        *_findings(found, k),
        *_present(images, photo),
        *_galleries(images, photo, row, found, k, album),
        _table(images, found, k),
        _closeness(found),
        *_shared(found, k),
        *album.notes(),
    ]
    options = {"photo": asked, "k": k, "pool": pool, "layer": layer, "centred": centred, "seed": seed}
    title = f"Nearest to {asked} under {', '.join(names)}, of {counted(len(images))} of {images.name}"
    return answered(title, blocks, images, "neighbors", names, **options)


def _place(images: Embedded, photo: str | Photo, queries: Vectors | None) -> tuple[int | None, str]:
    """The image's place in the set, or none for one from elsewhere; and what to call it."""
    if isinstance(photo, str):
        found = np.flatnonzero(images.ids == photo)
        if not len(found):
            raise UnknownName("image of this set", photo, [str(name) for name in images.ids])
        return int(found[0]), photo
    same = np.flatnonzero(images.digests == photo.sha256) if photo.sha256 else []
    if len(same):
        return int(same[0]), str(images.ids[same[0]])
    if queries is None:
        raise WrongUsage(
            f"{photo.id} is not in {images.name}: its embedding under each encoder is wanted as `queries`."
        )
    return None, photo.id


def _query(name: str, queries: Vectors | None) -> Float[NDArray[np.floating], " D"]:
    if queries is None or name not in queries:
        raise WrongUsage(f"The photo's embedding under {name} is missing from `queries`.")
    query = np.asarray(queries[name])
    if query.ndim != 1 or not np.isfinite(query).all():
        raise UnfitData(f"The photo's embedding under {name} wants shape (D,), all finite; got {query.shape}.")
    return query


def _told_apart(name: str, bank: Float[NDArray[np.floating], "N D"]) -> None:
    if (bank == bank[:1]).all():
        raise UnfitTokens(f"{name} gives every image the same embedding: none is nearer than another.")


def _present(images: Embedded, photo: str | Photo) -> list[Note]:
    """A word where a photo from elsewhere is in the set after all, byte for byte."""
    if isinstance(photo, str) or not photo.sha256:
        return []
    same = images.ids[images.digests == photo.sha256]
    return [Note(f"{photo.id} is in the set, byte for byte, as {', '.join(map(str, same))}.")] if len(same) else []


def _galleries(
    images: Embedded, photo: str | Photo, row: int | None, found: Sequence[Near], k: int, album: Album
) -> list[Block]:
    """The query and its neighbours under each encoder; who else has one is written under it."""
    asked = (
        album.picture(row, f"asked: {labelled(images, row)}")
        if row is not None
        else Picture(f"asked: {photo.id}", shown(photo, Frame(), SIDE))
        if isinstance(photo, Photo)
        else None
    )
    galleries: list[Block] = []
    for near in found:
        pictures = [asked] if asked else []
        for place in near.order[:k].tolist():
            also = [other.name for other in found if other is not near and 0 < other.rank[place] <= k]
            mark = f"also {', '.join(also)}" if also else ""
            rank, number = near.rank[place], near.number(place)
            text = f"{rank}. {labelled(images, place)}, {number.value:.3f}"
            if picture := album.picture(place, text, mark):
                pictures.append(picture)
        caption = f"The nearest first, with their cosine{MEAN if near.centred else ''}."
        marked = " Framed: among the nearest of another encoder too." if len(found) > 1 else ""
        if len(pictures) > bool(asked):
            galleries.append(Gallery(f"Nearest under {near.name}", tuple(pictures), caption + marked))
    return galleries


def _table(images: Embedded, found: Sequence[Near], k: int) -> Table:
    """Every image that any encoder has among its nearest, with cosine and rank under all."""
    union = sorted(
        {place for near in found for place in near.order[:k].tolist()},
        key=lambda place: (min(near.rank[place] for near in found), str(images.ids[place])),
    )
    several = len(found) > 1
    header = ["image"]
    for near in found:
        header += [f"{near.name}: cosine", f"{near.name}: rank"] if several else ["cosine", "rank"]
    rows = []
    for place in union:
        cells: list[Cell] = [labelled(images, place)]
        for near in found:
            cells += [near.number(place), f"{near.rank[place]:,}{' *' if several and near.rank[place] <= k else ''}"]
        rows.append(tuple(cells))
    caption = f"* among the {k} nearest of this encoder. " if several else ""
    return Table("Neighbours", tuple(header), tuple(rows), f"{caption}Ranks of {len(found[0].order):,} images.")


def _closeness(found: Sequence[Near]) -> Table:
    rows = tuple((near.name, near.closeness()) for near in found)
    caption = "A nearest image there always is; this says whether it is near as nearest images go here."
    return Table("Is the nearest near?", ("encoder", "share of images less near to their nearest"), rows, caption)


def _shared(found: Sequence[Near], k: int) -> list[Block]:
    rows = tuple((f"{one.name}, {other.name}", shared(one, other, k)) for one, other in combinations(found, 2))
    return [Table("Shared neighbours", ("encoders", f"of {k} nearest"), rows)] if rows else []


def _findings(found: Sequence[Near], k: int) -> list[Note]:
    """How many neighbours every two share; surely more than chance where p, times the pairs, is .05 or less."""
    pairs, notes = list(combinations(found, 2)), []
    for one, other in pairs:
        number = shared(one, other, k)
        assert number.null is not None
        assert number.null.p is not None
        text = f"{one.name} and {other.name} share {number.value:.0f} of {k} nearest; by chance "
        text += f"{number.null.mean:.3g} ({against(number.null)})."
        notes.append(Note(text, "finding" if number.null.p * len(pairs) <= 0.05 else "note"))
    return notes
