"""Pictures: what an encoder was shown, and what its patches look like as colours."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from repscope.frames import Frame
from repscope.images import Photo
from repscope.metrics import Rows
from repscope.report import Overlay

SIDE, NOTHING = 336, 1e-6


def shown(photo: Photo, frame: Frame, side: int = SIDE) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """A part of the photo, at most `side` pixels on its longer side."""
    from PIL import Image

    width, height = photo.size
    box = (frame.left * width, frame.top * height, frame.right * width, frame.bottom * height)
    left, top, right, bottom = (round(edge) for edge in box)
    factor = min(side / max(right - left, bottom - top), 1.0)
    size = (max(round((right - left) * factor), 1), max(round((bottom - top) * factor), 1))
    image = Image.fromarray(photo.pixels).resize(size, Image.Resampling.BICUBIC, box=(left, top, right, bottom))
    return np.asarray(image)


def pca_maps(grids: Sequence[Float[NDArray[np.floating], "H W D"]]) -> list[UInt8[NDArray[np.uint8], "H W 3"]]:
    """The first three principal components of all patches together as red, green and blue.

    One basis for all the grids, the sign such that a component's largest weight is positive, and limits at
    the 2nd and 98th percentile. Colours compare between photos of one encoder, never between
    encoders, whose bases have nothing to do with each other.
    """
    patches = np.concatenate([grid.reshape(-1, grid.shape[-1]) for grid in grids]).astype(np.float64)
    length = np.sqrt((patches**2).sum(1).mean())
    patches -= patches.mean(0)
    _, _, basis = np.linalg.svd(_fewer(patches), full_matrices=False)
    basis = basis[:3]
    basis *= np.sign(basis[np.arange(len(basis)), np.abs(basis).argmax(1)])[:, None]
    scores = patches @ basis.T
    scores = np.pad(scores, ((0, 0), (0, 3 - scores.shape[1])))
    low, high = np.percentile(scores, [2, 98], axis=0)
    told = high - low > NOTHING * max((high - low).max(initial=0), length)  # a component of rounding alone is no colour
    colours = np.where(told, np.clip((scores - low) / np.where(told, high - low, 1), 0, 1), 0)
    cut = np.cumsum([grid.shape[0] * grid.shape[1] for grid in grids])[:-1]
    parts = np.split((colours * 255).round().astype(np.uint8), cut)
    return [part.reshape(*grid.shape[:2], 3) for part, grid in zip(parts, grids, strict=True)]


def shaped_like(
    colours: UInt8[NDArray[np.uint8], "h w 3"], seen: UInt8[NDArray[np.uint8], "H W 3"]
) -> UInt8[NDArray[np.uint8], "r c 3"]:
    """The map at the shape of what was shown: patches of a squashed photo are not square."""
    from PIL import Image

    (height, width), (rows, columns) = seen.shape[:2], colours.shape[:2]
    if abs(np.log(height / width * columns / rows)) < 0.05:
        return colours
    return np.asarray(Image.fromarray(colours).resize((width, height), Image.Resampling.NEAREST))


def _fewer(patches: Float[NDArray[np.float64], "n D"]) -> Float[NDArray[np.float64], "m D"]:
    """At most D rows with the same principal directions."""
    if len(patches) <= patches.shape[1]:
        return patches
    return np.linalg.qr(patches, mode="r")  # pyright: ignore[reportReturnType]


def similarity(
    photo: UInt8[NDArray[np.uint8], "H W 3"], rows: Rows, place: tuple[int, int], title: str, caption: str
) -> Overlay:
    """Cosine of the patch at this row and column with every patch, all less their mean."""
    assert rows.grid is not None
    unit = rows.unit_centred
    values = (unit @ unit[place[0] * rows.grid[1] + place[1]]).reshape(rows.grid)
    return Overlay(title, photo, values, (-1.0, 1.0), mark=place, unit="cosine", caption=caption)


def places_apart(rows: Rows, count: int = 3) -> list[tuple[int, int]]:
    """Patches that differ most: the one in the middle, then each least like those before it."""
    assert rows.grid is not None
    middle = rows.grid[0] // 2 * rows.grid[1] + rows.grid[1] // 2
    chosen, closest = [middle], rows.unit_centred @ rows.unit_centred[middle]
    while len(chosen) < min(count, len(rows)):
        chosen.append(int(np.argmin(closest)))
        closest = np.maximum(closest, rows.unit_centred @ rows.unit_centred[chosen[-1]])
    return [divmod(index, rows.grid[1]) for index in chosen]
