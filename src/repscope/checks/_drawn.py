"""Drawn: pictures made by whole-number arithmetic, of the size an encoder sees, the same on every machine."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8
from numpy.typing import NDArray

from repscope.images.photo import Photo

Pixels = UInt8[NDArray[np.uint8], "S S 3"]


def drawn(side: int) -> list[Photo]:
    """A gradient, a checkerboard and a bright square in the middle of a dark field."""
    down, across = np.mgrid[:side, :side].astype(np.int64)
    cell = max(side // 14, 1)
    light = np.where((across // cell + down // cell) % 2 == 0, 224, 32)
    inside = (4 * across > side) & (4 * across < 3 * side) & (4 * down > side) & (4 * down < 3 * side)
    gradient = _coloured(across * 255 // side, down * 255 // side, (across + down) * 255 // (2 * side))
    board = _coloured(light, np.full_like(light, 64), 255 - light)
    square = np.where(inside[..., None], (255, 196, 32), (12, 18, 28)).astype(np.uint8)
    return [Photo("gradient", gradient), Photo("checkerboard", board), Photo("centre square", square)]


def plain(side: int, photo: Photo) -> list[Photo]:
    """The middle of a photo, black, and noise."""
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return [Photo("photo", middle(photo, side)), Photo("black", np.zeros_like(noise)), Photo("noise", noise)]


def middle(photo: Photo, side: int) -> Pixels:
    """The central square of a photo, scaled to a side."""
    from PIL import Image

    height, width = photo.pixels.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    cut = Image.fromarray(photo.pixels[top : top + short, left : left + short])
    return np.asarray(cut.resize((side, side), Image.Resampling.BICUBIC))


def marked(pixels: Pixels, places: Sequence[tuple[int, int]], patch: int) -> list[Photo]:
    """The picture with one patch of it replaced, at one place (row, column) after the other: white, or black on light.

    >>> [photo.pixels[:, :, 0].tolist() for photo in marked(np.zeros((2, 2, 3), np.uint8), [(0, 1)], 1)]
    [[[0, 255], [0, 0]]]
    """
    made = []
    for row, column in places:
        changed = pixels.copy()
        cell = changed[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
        cell[:] = 0 if cell.mean() > 127 else 255
        made.append(Photo(f"mark at {row}, {column}", changed))
    return made


def _coloured(red: Int[NDArray[np.int64], "S S"], *others: Int[NDArray[np.int64], "S S"]) -> Pixels:
    return np.stack([red, *others], -1).astype(np.uint8)
