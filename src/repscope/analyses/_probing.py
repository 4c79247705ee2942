"""Probing: photos and what was said of them, kept until they become the block that one can point at."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from repscope.analyses._looks import Looks, edges
from repscope.analyses._pictures import places_apart, shaped_like, shown, similarity
from repscope.analyses._study import Study, View
from repscope.errors import WrongUsage
from repscope.frames import Frame
from repscope.images import Photo
from repscope.metrics import Rows
from repscope.report import Gallery, Note, Overlay, Panel, Picture, Pin, Probe, Snapshot

Point = tuple[float, float]
PROBED, PICTURED, SIDE = 50, 4, 448


def asked(queries: Sequence[Point]) -> tuple[Point, ...]:
    """The queries; raises WrongUsage for one outside the photo."""
    for point in queries:
        if not all(0 <= place <= 1 for place in point):
            raise WrongUsage(f"A point is two fractions of the photo, across and down, each 0 to 1; got {point}.")
    return tuple(queries)


class Probing:
    """The first photos of a study with their views, in the order they were given.

    Attributes:
        queries: Places (across, down) in fractions of a photo, whose patches are compared to all others.
    """

    def __init__(self, study: Study, queries: tuple[Point, ...]):
        self.study, self.queries = study, queries
        self.wanted = [photo.id for photo in study.photos[:PROBED]]
        self.kept: dict[str, tuple[Photo, Sequence[View]]] = {}

    def take(self, photo: Photo, views: Sequence[View]) -> None:
        if photo.id in self.wanted:
            self.kept[photo.id] = photo, views

    def seen(self) -> list[tuple[Photo, Sequence[View]]]:
        """What was kept, in the order in which the photos were given."""
        return [self.kept[name] for name in self.wanted if name in self.kept]

    def blocks(self) -> tuple[list[Probe], list[Gallery | Overlay | Note]]:
        """The probe, and the pictures of the first photos; nothing where those photos were all skipped."""
        if not self.kept:
            return [], []
        looks = [
            Looks(encoder, self.study, {name: (photo, views[e]) for name, (photo, views) in self.kept.items()})
            for e, encoder in enumerate(self.study.encoders)
        ]
        pictures: list[Gallery | Overlay | Note] = []
        for i, (photo, views) in enumerate(self.seen()[:PICTURED]):
            maps = [each.colours[photo.id] for each in looks]
            pictures += self._pictures(photo, views, maps, "" if i else _caption(len(self.kept)))
        return [self._probe(looks)], pictures

    def _pictures(
        self, photo: Photo, views: Sequence[View], maps: Sequence[Any], caption: str
    ) -> list[Gallery | Overlay | Note]:
        """PCA maps side by side; then, query by query, what is like it under each encoder."""
        names, pictures, sights = self.study.names, list[Picture](), []
        for k, (name, view, colours) in enumerate(zip(names, views, maps, strict=True)):
            sight = shown(photo, view.frame) if k == 0 or view.frame != views[k - 1].frame else sights[-1]
            if k == 0 or view.frame != views[k - 1].frame:
                pictures.append(Picture("as shown" if k == 0 else f"as shown to {name}", sight))
            pictures.append(Picture(name, shaped_like(colours, sight)))
            sights.append(sight)
        blocks: list[Gallery | Overlay | Note] = [Gallery(f"PCA maps: {photo.id}", tuple(pictures), caption)]
        several = len(names) > 1
        rows = [Rows(view.patches) for view in views] if self.queries or not several else []
        unseen: list[Note] = []
        places = [self._places(view, each) for view, each in zip(views, rows, strict=False)]
        for q in range(max((len(each) for each in places), default=0)):
            for name, sight, each, asked in zip(names, sights, rows, places, strict=True):
                place = asked[q]
                if place is None:
                    unseen.append(Note(_UNSEEN.format(name, *self.queries[q], photo.id), "warning"))
                    continue
                title = f"Like row {place[0] + 1}, column {place[1] + 1}{f' under {name}' * several}: {photo.id}"
                blocks.append(similarity(sight, each, place, title, _LIKE))
        return [*blocks, *unseen]

    def _places(self, view: View, rows: Rows) -> list[tuple[int, int] | None]:
        """Rows and columns of the queries on this view's grid; without queries, of patches that differ most."""
        if not self.queries:
            return [*places_apart(rows)]
        return [view.frame.patch(*point, view.patches.shape[:2]) for point in self.queries]

    def _probe(self, looks: Sequence[Looks]) -> Probe:
        seen = self.seen()
        frames = [_around([view.frame for view in views]) for _, views in seen]
        photos = tuple(
            Snapshot(photo.id, edges(frame), photo.size, _jpeg(shown(photo, frame, SIDE)))
            for (photo, _), frame in zip(seen, frames, strict=True)
        )
        panels = [each.panel([photo.id for photo, _ in seen]) for each in looks]
        panels += [Panel(name, reason=reason) for name, reason in self.study.failed]
        many = len(self.study.photos)
        caption = f"The first {PROBED} of {many} photos." if many > PROBED else ""
        return Probe("Point at a patch", photos, tuple(panels), self._pins(seen), caption)

    def _pins(self, seen: Sequence[tuple[Photo, Sequence[View]]]) -> tuple[Pin, ...]:
        """The queries, on the first photo; without any, patches that differ most under the first encoder."""
        if self.queries:
            points = list(self.queries)
        else:
            view = seen[0][1][0]
            places = places_apart(Rows(view.patches))
            middles = [view.frame.centre(*place, view.patches.shape[:2]) for place in places]
            points = [(round(across, 4), round(down, 4)) for across, down in middles]
        return tuple(Pin(0, *point, chr(ord("A") + k % 26)) for k, point in enumerate(points))


_LIKE = "Cosine of the marked patch with every patch, their mean removed."
_UNSEEN = "{} was not shown the point {}, {} of {}: it sees the middle of a photo. Ask nearer to it."


def _caption(count: int) -> str:
    over = f"{count} photos" if count > 1 else "1 photo"
    some = f" Shown are the first {PICTURED}; the probe has all." if count > PICTURED else ""
    return (
        "First three principal components of the patches as red, green, blue: one basis per encoder over "
        f"{over}. Colours do not compare between encoders.{some}"
    )


def _around(frames: Sequence[Frame]) -> Frame:
    """The smallest part of a photo that holds all these."""
    return Frame(
        min(frame.left for frame in frames),
        min(frame.top for frame in frames),
        max(frame.right for frame in frames),
        max(frame.bottom for frame in frames),
    )


def _jpeg(pixels: UInt8[NDArray[np.uint8], "H W 3"]) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=82)
    return out.getvalue()
