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
    rows: NDArray[np.integer],
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
    made = _fitting(tiles, budget, np.random.default_rng(seed).permutation(len(tiles)))
    if made is None:
        return None, f"Without thumbnails: one alone is over {budget:,} bytes."
    side, columns, sheet, some = made
    rows_shown = shown[some]
    whole = len(rows_shown) == len(rows)
    part = f"{len(some):,} of {len(rows):,} images, drawn by chance, have a thumbnail" if len(some) < len(tiles) else ""
    said = part or "Thumbnails are"
    sprites = Thumbnails(side, columns, sheet, b"" if whole else packed(rows_shown, "<i4"))
    return sprites, f"{said}{' of' if part else ''} {side} pixels{' wide' if not part else ''}.{missing}"


def _fitting(
    tiles: Sequence[NDArray[np.uint8]], budget: int, order: NDArray[np.integer]
) -> tuple[int, int, bytes, NDArray[np.integer]] | None:
    """Side, columns, sheet and which tiles: all at the largest side within the budget, or the first of an order."""
    largest = max(len(tile) for tile in tiles)
    for side, quality in SIZES:
        made = _sheet(tiles, side, quality) if side <= largest else None
        if made and len(made[1]) <= budget:
            return side, *made, np.arange(len(tiles))
    side, quality = SIZES[-1]
    count = len(tiles)
    while True:
        some = np.sort(order[:count])
        made = _sheet([tiles[i] for i in some], side, quality)
        if made and len(made[1]) <= budget:
            return side, *made, some
        if count == 1:
            return None
        count = max(int(count * min(0.95 * budget / len(made[1]), 0.95)) if made else count // 2, 1)


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
