"""Pictures: grids enlarged patch by patch, photos under heat, and the bytes of both."""

import io

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image

from repscope.render import _colours
from repscope.report import Overlay

Pixels = UInt8[NDArray[np.uint8], "H W 3"]
HEAT = 0.6


def fitted(pixels: Pixels, tile: int) -> Pixels:
    """Scaled so that the longer side is at most `tile`.

    A grid of tokens (a third of the tile or less) is repeated whole pixels at a time, so every
    patch stays one flat square; a photo is scaled as photos are.
    """
    height, width = pixels.shape[:2]
    factor = tile // max(height, width)
    if factor >= 3:
        return pixels.repeat(factor, 0).repeat(factor, 1)
    scale = tile / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def cells(side: int, count: int) -> NDArray[np.intp]:
    """Which of `count` patches each of `side` pixels belongs to."""
    return np.arange(side) * count // side


def heated(block: Overlay, tile: int) -> Pixels:
    """The photo in grey under the colour of each patch, and a frame around the patch that was asked about."""
    photo = fitted(block.photo, tile)
    height, width = photo.shape[:2]
    rows, columns = cells(height, block.values.shape[0]), cells(width, block.values.shape[1])
    grey = np.asarray(Image.fromarray(photo).convert("L"), np.float64)[..., None]
    heat = _colours.coloured(block.values, block.domain)[rows][:, columns]
    share = np.where(np.isfinite(block.values), HEAT, 0.0)[rows][:, columns][..., None]
    mixed = np.rint(share * heat + (1 - share) * grey).astype(np.uint8)
    if block.mark is not None:
        _frame(mixed, np.flatnonzero(rows == block.mark[0]), np.flatnonzero(columns == block.mark[1]))
    return mixed


def _frame(pixels: Pixels, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
    """A white line inside a black one just outside these rows and columns: seen on any colour."""
    if not len(rows) or not len(columns):
        return
    for distance, colour in ((3, 0), (2, 0), (1, 255), (0, 255)):
        top, bottom = max(rows[0] - distance, 0), rows[-1] + distance + 1
        left, right = max(columns[0] - distance, 0), columns[-1] + distance + 1
        edge = np.ones_like(pixels[top:bottom, left:right], bool)
        edge[1:-1, 1:-1] = False
        pixels[top:bottom, left:right][edge] = colour


def bar(domain: tuple[float, float], width: int, height: int) -> Pixels:
    """The colour scale from the domain's low end to its high end, lying down."""
    values: Float[NDArray[np.floating], "W"] = np.linspace(*domain, width)
    return _colours.coloured(values, domain)[None].repeat(height, 0)


def png(pixels: Pixels) -> bytes:
    """Lossless; the same pixels give the same bytes."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", optimize=True)
    return out.getvalue()


def compact(pixels: Pixels) -> tuple[str, bytes]:
    """The smaller of PNG and JPEG and its media type: grids and flat colour stay exact, photos stay small."""
    exact = png(pixels)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "JPEG", quality=88, subsampling=0)
    small = out.getvalue()
    if max(pixels.shape[:2]) <= 128 or len(exact) <= 1.5 * len(small):
        return "image/png", exact
    return "image/jpeg", small
