"""Points: many images as dots, one map per encoder, to be pointed at and drawn around.

The numbers are packed, little-endian: ten thousand images in a report are a few megabytes, and the page's script
reads the same bytes.
"""

import io
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.report.shown import Shown

SIDES = range(4, 129)
"""Pixels of a thumbnail's side that are believed."""


def packed(values: NDArray[np.generic], kind: str) -> bytes:
    """The bytes of an array as `<f4` or `<i4`.

    >>> packed(np.array([1.0]), "<f4")
    b'\\x00\\x00\\x80?'
    """
    return np.ascontiguousarray(values, kind).tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Where one encoder puts the images.

    Attributes:
        places: float32 (N, 2): across and up, in units of its own; empty where there is no map.
        neighbours: int32 (N, k): the images nearest in the encoder's own space, the nearest first.
        reason: Why there is no map.
        caption: How it was made, and how much it keeps.
    """

    encoder: str
    places: bytes = field(default=b"", repr=False)
    neighbours: bytes = field(default=b"", repr=False)
    reason: str = ""
    caption: str = ""

    @property
    def xy(self) -> Float[NDArray[np.float32], "N 2"]:
        """The places, read only."""
        return np.frombuffer(self.places, "<f4").reshape(-1, 2)

    @property
    def nearest(self) -> Int[NDArray[np.int32], "N k"]:
        """The neighbours, read only."""
        count = len(self.places) // 8
        return np.frombuffer(self.neighbours, "<i4").reshape(count, -1 if self.neighbours else 0)

    def check(self, count: int) -> None:
        """Raises UnfitData where it is no map of so many images."""
        if self.reason and not self.places:
            return
        whole = len(self.places) == 8 * count and len(self.neighbours) % (4 * count) == 0
        _fit(whole and bool(np.isfinite(self.xy).all()), f"places of {self.encoder}")
        _fit(bool(((self.nearest >= 0) & (self.nearest < count)).all()), f"neighbours of {self.encoder}")


@dataclass(frozen=True, slots=True, eq=False)
class Colouring:
    """Something that dots are coloured by.

    Attributes:
        values: float32 (N): the place of an image's class, or a reading; nan where it has none.
        classes: Their names; none for a reading.
        domain: Ends of a reading's colour scale; values beyond have the end's colour.
        about: What it is.
    """

    name: str
    values: bytes = field(repr=False)
    classes: tuple[str, ...] = ()
    domain: tuple[float, float] = (0.0, 1.0)
    unit: str = ""
    about: str = ""

    @property
    def array(self) -> Float[NDArray[np.float32], " N"]:
        """The values, read only."""
        return np.frombuffer(self.values, "<f4")

    def check(self, count: int) -> None:
        """Raises UnfitData where it does not colour so many images."""
        _fit(len(self.values) == 4 * count, f"values of {self.name}")
        known = self.array[~np.isnan(self.array)]
        if self.classes:
            _fit(bool(np.isin(known, np.arange(len(self.classes))).all()), f"classes of {self.name}")
        else:
            low, high = self.domain
            _fit(bool(np.isfinite([low, high]).all()) and low <= high, f"domain of {self.name}")


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnails:
    """Small pictures, all on one sheet, in rows from left to right.

    Attributes:
        side: Pixels of each, across and down.
        columns: How many there are in a row.
        sheet: WebP.
        rows: int32 (M): the image that each one shows, ascending; empty where every image has one.
    """

    side: int
    columns: int
    sheet: bytes = field(repr=False)
    rows: bytes = field(default=b"", repr=False)

    def shown(self, count: int) -> Int[NDArray[np.int32], " M"]:
        """The images that have one, of so many."""
        return np.frombuffer(self.rows, "<i4") if self.rows else np.arange(count, dtype=np.int32)

    def check(self, count: int) -> None:
        """Raises UnfitData where these are no thumbnails of so many images; the sheet is not unpacked for it."""
        from PIL import Image

        _fit(self.side in SIDES and self.columns >= 1 and len(self.rows) % 4 == 0, "thumbnails")
        shown = self.shown(count)
        inside = len(shown) and shown[0] >= 0 and shown[-1] < count and bool((np.diff(shown) > 0).all())
        _fit(bool(inside), "images of the thumbnails")
        try:
            with Image.open(io.BytesIO(self.sheet), formats=("WEBP",)) as image:
                size = image.size
        except Exception:  # whatever a malformed header breaks
            size = 0, 0
        _fit(size == (self.columns * self.side, -(-len(shown) // self.columns) * self.side), "sheet of thumbnails")


@dataclass(frozen=True, slots=True, eq=False)
class Points(Shown):
    """Images as dots, one map per encoder; drawn around in one, they light up in all.

    Attributes:
        ids: The images; everything else is in their order.
        maps: One for each encoder, also for one that has none.
        colours: What dots can be coloured by; the first is shown.
    """

    title: str
    ids: tuple[str, ...] = field(repr=False)
    maps: tuple[Map, ...]
    colours: tuple[Colouring, ...] = ()
    thumbnails: Thumbnails | None = None
    caption: str = ""

    def check(self) -> None:
        """Raises UnfitData where parts do not belong together, before anything large is made of them."""
        count = len(self.ids)
        _fit(count > 0, "images")
        for part in (*self.maps, *self.colours, *([self.thumbnails] if self.thumbnails else [])):
            part.check(count)


def _fit(holds: bool, what: str) -> None:
    if not holds:
        raise UnfitData(f"A map of images is damaged ({what}). Make the report again.")
