"""Probe: photos under encoders, to be asked patch by patch: what does each encoder think is like this?

The block holds what the page holds: tokens turned onto few axes and rounded to 8 bits. What a face shows of it
is asked here, so that the page's script, the terminal screen and Python say the same.
"""

import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from math import gcd
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitData, Unsupported
from repscope.frames import Frame
from repscope.report.shown import Shown

Array = NDArray[np.floating]
Kind = Literal["raw", "centred", "position removed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SAMPLE = 2048
"""Patches of other photos that a percentile is of, at most."""

GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Pin:
    """A patch that was asked about: its place in fractions of the photo, and a name."""

    photo: int
    across: float
    down: float
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A photo as it can be pointed at.

    Attributes:
        frame: The part shown, as left, top, right, bottom in fractions of the photo.
        size: Width and height of the whole photo in pixels.
        jpeg: Its pixels, for looking at; nothing is measured on them.
    """

    id: str
    frame: tuple[float, float, float, float]
    size: tuple[int, int]
    jpeg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The patches of one photo under one encoder.

    A token is offset + scales x codes, in coordinates of its panel's axes; scales x codes alone where its scale is
    negative.

    Attributes:
        grid: Rows and columns of patches.
        frame: What the encoder was shown, as left, top, right, bottom in fractions of the photo.
        width: Coordinates of a token here.
        codes: zlib of int8 (width, h w): a patch's position part and the rest, each of one length.
        scales: float32 (2, h w): what these two are multiplied by; (1, h w) where there is no position part.
        offset: float32 (width + 1): the offset in these coordinates, and its length outside them.
        lengths: float32 (h w): the length of every token, as it was before rounding.
        colours: uint8 (h w, 3): the PCA map.
        attention: float32 (h w); empty where the encoder gives none away.
    """

    grid: tuple[int, int]
    frame: tuple[float, float, float, float]
    width: int
    codes: bytes = field(repr=False)
    scales: bytes = field(repr=False)
    offset: bytes = field(repr=False)
    lengths: bytes = field(repr=False)
    colours: bytes = field(repr=False)
    attention: bytes = field(default=b"", repr=False)

    def check(self) -> None:
        """Raises UnfitData where parts are not of the lengths that belong together, before anything large is made."""
        count = self.grid[0] * self.grid[1]
        wanted = {
            "scales": (4 * count, 8 * count),
            "offset": (4 * (self.width + 1),),
            "lengths": (4 * count,),
            "colours": (3 * count,),
            "attention": (0, 4 * count),
        }
        fit = min(self.grid) >= 1 and self.width >= 0
        fit = fit and all(len(getattr(self, part)) in sizes for part, sizes in wanted.items())
        if not fit or len(self._unpacked()) != self.width * count:
            raise UnfitData("A probe's tokens are damaged (parts of other lengths). Make the report again.")

    def _unpacked(self) -> bytes:
        """The codes, as far as they belong there: a few bytes can be made to unpack to gigabytes."""
        try:
            return zlib.decompressobj().decompress(self.codes, self.width * self.grid[0] * self.grid[1] + 1)
        except zlib.error as error:
            raise UnfitData(f"A probe's tokens are damaged ({error}). Make the report again.") from None

    def tokens(self, position: int) -> Float[Array, "n k"]:
        """Every patch on k = width + 1 axes, the last that of the offset outside of the others.

        Raises UnfitData for codes that are damaged.
        """
        count = self.grid[0] * self.grid[1]
        try:
            codes = np.frombuffer(self._unpacked(), np.int8).reshape(self.width, count).T
            scales = np.frombuffer(self.scales, "<f4").reshape(-1, count, 1).astype(np.float64)
            first, rest = np.abs(scales[0]), np.abs(scales[-1])
            offset = np.frombuffer(self.offset, "<f4").astype(np.float64)[: self.width + 1]
            spread = np.concatenate([codes[:, :position] * first, codes[:, position:] * rest], 1)
            return np.pad(spread, ((0, 0), (0, 1))) + (scales[-1] >= 0) * (offset + np.zeros(self.width + 1))
        except ValueError as error:
            raise UnfitData(f"A probe's tokens are damaged ({error}). Make the report again.") from None

    def place(self, across: float, down: float) -> tuple[int, int] | None:
        """Row and column of the patch at a point of the photo; None outside of what the encoder was shown."""
        return Frame(*self.frame).patch(across, down, self.grid)

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """The middle of a patch, across and down in fractions of the photo."""
        return Frame(*self.frame).centre(row, column, self.grid)

    @property
    def pca(self) -> NDArray[np.uint8]:
        """The PCA map, (h, w, 3)."""
        return np.frombuffer(self.colours, np.uint8).reshape(*self.grid, 3)

    @property
    def looked_at(self) -> Float[Array, "h w"] | None:
        """The attention map, or None where there is none."""
        return np.frombuffer(self.attention, "<f4").reshape(self.grid) if self.attention else None


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One encoder's looks at the photos of a probe, in their order.

    Attributes:
        reason: Why there are none, where the encoder failed.
        position: Leading axes along which patches differ by where they are.
        shared: Leading axes, those included, that mean the same in every photo; the others are a photo's own.
        error: The largest error of a similarity within a photo, against float32.
        across: The same between photos, or None with one photo.
        ranks: The largest error of a percentile, of all pairs of patches within four of the photos; None with one.
        without_position: Why position cannot be removed; empty where it can.
        without_percentile: Why a similarity cannot be ranked among other photos' patches; empty where it can.
        attention: What the attention map is, or why there is none.
    """

    encoder: str
    looks: tuple[Look, ...] = ()
    reason: str = ""
    position: int = 0
    shared: int = 0
    error: float = 0.0
    across: float | None = None
    ranks: float | None = None
    without_position: str = ""
    without_percentile: str = ""
    attention: str = ""

    def usable(self, kind: Kind) -> Kind:
        """The kind of tokens that is shown where this one is asked for: centred where position cannot be removed."""
        return "centred" if kind == "position removed" and self.without_position else kind

    def unit(self, photo: int, kind: Kind) -> Float[Array, "n k"]:
        """The patches of a photo at length 1: as they are, less their mean, or less position too.

        Rows are patches in raster order; a token of length 0 stays 0. Kept, and so not to be written to.
        Raises Unsupported where position cannot be removed, UnfitData for codes that are damaged.
        """
        return _unit(self, photo, kind)

    def similarity(
        self, photo: int, patch: tuple[int, int], kind: Kind = "centred", target: int | None = None
    ) -> Float[Array, "h w"]:
        """Cosine of one patch with every patch of its own photo, or of another: (h, w), -1 to 1.

        Args:
            photo: The place of the patch's photo among the probe's.
            patch: Row and column on this encoder's grid.
            kind: Tokens as they are, less their photo's mean, or less position too.
            target: The place of the photo that is looked at, where it is another.

        Within a photo it is off by `error` at most, between photos by `across`. Raises Unsupported where
        position cannot be removed, UnfitData for codes that are damaged.
        """
        looks, own = self.looks, self.unit(photo, kind)
        query = own[patch[0] * looks[photo].grid[1] + patch[1]]
        if target is None or target == photo:
            return (own @ query).clip(-1, 1).reshape(looks[photo].grid)
        return (self.unit(target, kind)[:, : self.shared] @ query[: self.shared]).reshape(looks[target].grid)

    def percentile(
        self, photo: int, patch: tuple[int, int], values: Float[Array, "h w"], kind: Kind = "centred"
    ) -> Float[Array, "h w"]:
        """The share of other photos' patches that are no more like the query than each value says: (h, w), 0 to 1.

        Values are cosines with the same patch of the same kind, from `similarity`. Raises Unsupported with
        one photo, and where similarities between photos are off by too much to be ranked.
        """
        if self.without_percentile:
            raise Unsupported(self.without_percentile.capitalize())
        rows = self.reference(photo, kind)
        query = self.unit(photo, kind)[patch[0] * self.looks[photo].grid[1] + patch[1], : self.shared]
        return np.searchsorted(np.sort(rows @ query), values, side="right") / len(rows)

    def reference(self, photo: int, kind: Kind) -> Float[Array, "n k"]:
        """Patches of the other photos that a percentile is among, evenly taken, on the axes all photos share."""
        return _reference(self, photo, kind)

    def sampled(self, photo: int) -> list[tuple[int, int]]:
        """Photo and place in raster order of the patches of the others that a percentile is among, SAMPLE at most.

        They lie a golden section of all apart, around and around: evenly, and in step with no grid's columns.
        """
        places = [(i, p) for i, look in enumerate(self.looks) if i != photo for p in range(look.grid[0] * look.grid[1])]
        total = len(places)
        step = next(step for step in range(int(total * GOLDEN) + 1, 2 * total + 2) if gcd(step, total) == 1)
        return [places[at] for at in sorted(k * step % total for k in range(min(total, SAMPLE)))]

    def best(self, photo: int, values: Float[Array, "h w"], beside: tuple[int, int] | None = None) -> tuple[int, int]:
        """Row and column of the largest value on a photo's grid, the patch that was asked about aside."""
        others = values.astype(np.float64)
        if beside is not None and others.size > 1:
            others[beside] = -np.inf
        row, column = divmod(int(others.argmax()), self.looks[photo].grid[1])
        return row, column

    def norms(self, photo: int) -> Float[Array, "h w"]:
        """The length of every patch token."""
        look = self.looks[photo]
        return np.frombuffer(look.lengths, "<f4").reshape(look.grid)


# a cursor that moves asks for the same again and again; panels are told apart by what they are, not by what they hold
@lru_cache(32)
def _unit(panel: Panel, photo: int, kind: Kind) -> Float[Array, "n k"]:
    if kind == "position removed" and panel.without_position:
        raise Unsupported(f"{panel.encoder}: {panel.without_position}")
    vectors = panel.looks[photo].tokens(panel.position)
    if kind != "raw":
        vectors = vectors - vectors.mean(0)
    if kind == "position removed":
        vectors[:, : panel.position] = 0
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return _frozen(vectors / np.where(norms > 0, norms, 1))


@lru_cache(8)
def _reference(panel: Panel, photo: int, kind: Kind) -> Float[Array, "n k"]:
    places = panel.sampled(photo)
    rows = [
        panel.unit(i, kind)[[p for j, p in places if j == i], : panel.shared] for i in sorted({i for i, _ in places})
    ]
    return _frozen(np.concatenate(rows))


def _frozen(values: Float[Array, "n k"]) -> Float[Array, "n k"]:
    values.flags.writeable = False
    return values


def reach(values: Float[Array, "h w"]) -> tuple[float, float] | None:
    """The least and the largest value of a map; None where they are alike to a thousandth.

    There is nothing to be seen then: stretched over all colours it would be a map of rounding.
    """
    low, high = float(values.min()), float(values.max())
    return (low, high) if high - low > 1e-3 * max(abs(low), abs(high)) else None


@dataclass(frozen=True, slots=True, eq=False)
class Probe(Shown):
    """The same photos under several encoders, to be pointed at: every panel shows what is like the patch.

    Attributes:
        photos: What can be pointed at.
        panels: One for each encoder, also for one that failed.
        pins: Patches asked about from the start.
    """

    title: str
    photos: tuple[Snapshot, ...]
    panels: tuple[Panel, ...]
    pins: tuple[Pin, ...] = ()
    caption: str = ""
