"""Thumbnails: small pictures of a set's images on one sheet, within a budget of bytes."""

import io
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from repscope.errors import UnreadableImage
from repscope.report import Thumbnails
from repscope.report.points import packed
from repscope.store import Embedded

BUDGET = 3_000_000
SIZES = ((48, 80), (32, 75), (24, 70), (16, 65))
"""Side and WebP quality, the best first."""
LARGEST, PIXELS = 16_383, 9_000_000
"""Pixels of a sheet's side, as WebP allows, and of all of it: a page holds four bytes of each."""
GIVEN_UP = 20
"""Images that may fail before the first that can be read."""


def thumbnails(
    images: Embedded,
    rows: Sequence[int],
    budget: int = BUDGET,
    seed: int = 0,
    done: Callable[[int], None] | None = None,
) -> tuple[Thumbnails | None, str]:
    """The sheet and a sentence on what it holds: all images, a seeded part of them, or none and why.

    Args:
        rows: The images shown, by their place in the set.
        budget: Bytes of the sheet, at most.
        done: Called with how many images were read.
    """
    tiles, places, failed = list[NDArray[np.uint8]](), list[int](), list[str]()
    for place, row in enumerate(rows):
        try:
            tiles.append(_square(images.photo(int(row)).pixels))
            places.append(place)
        except UnreadableImage as error:
            failed.append(str(error))
            if not tiles and len(failed) >= min(GIVEN_UP, len(rows)):
                return None, f"Without thumbnails: {failed[0]}"
        if done:
            done(place + 1)
    if not tiles:
        return None, f"Without thumbnails: {failed[0]}"
    missing = f" {len(failed)} could not be read again: {failed[0]}" if failed else ""
    shown = np.array(places)
    for side, quality in SIZES:
        made = _sheet(tiles, side, quality)
        if made and len(made[1]) <= budget:
            return _thumbnails(side, made, shown, len(rows)), f"Thumbnails are {side} pixels wide.{missing}"
    order = np.random.default_rng(seed).permutation(len(tiles))
    count = len(tiles)
    while count > 1:
        count = int(count * (0.9 * budget / len(made[1]) if made and len(made[1]) > budget else 0.7))
        some = np.sort(order[: max(count, 1)])
        made = _sheet([tiles[i] for i in some], side, quality)
        if made and len(made[1]) <= budget:
            part = f"{len(some):,} of {len(rows):,} images, drawn by chance, have a thumbnail of {side} pixels"
            return _thumbnails(side, made, shown[some], len(rows)), f"{part}, {budget / 1e6:.3g} MB in all.{missing}"
    return None, f"Without thumbnails: one alone is over {budget:,} bytes."


def _thumbnails(side: int, made: tuple[int, bytes], shown: NDArray[np.integer], count: int) -> Thumbnails:
    return Thumbnails(side, made[0], made[1], b"" if len(shown) == count else packed(shown, "<i4"))


def _square(pixels: UInt8[NDArray[np.uint8], "H W 3"]) -> UInt8[NDArray[np.uint8], "s s 3"]:
    """The central square, no larger than the largest thumbnail; a smaller one as it is."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return _scaled(pixels[top : top + side, left : left + side], min(SIZES[0][0], side))


def _scaled(pixels: UInt8[NDArray[np.uint8], "H W 3"], side: int) -> UInt8[NDArray[np.uint8], "s s 3"]:
    if len(pixels) == side:
        return pixels
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.LANCZOS))


def _sheet(tiles: Sequence[NDArray[np.uint8]], side: int, quality: int) -> tuple[int, bytes] | None:
    """Columns and WebP; None where it would be larger than a WebP can be."""
    columns = min(max(round(len(tiles) ** 0.5), 1), LARGEST // side)
    lines = -(-len(tiles) // columns)
    if lines * side > LARGEST or lines * columns * side**2 > PIXELS:
        return None
    sheet = np.zeros((lines * side, columns * side, 3), np.uint8)
    for i, tile in enumerate(tiles):
        top, left = (place * side for place in divmod(i, columns))
        sheet[top : top + side, left : left + side] = _scaled(tile, side)
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "WEBP", quality=quality, method=4)
    return columns, out.getvalue()
