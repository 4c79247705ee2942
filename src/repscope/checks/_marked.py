"""Marked: pictures of the size an encoder sees, and pictures that differ from them in some patches."""

import numpy as np
from jaxtyping import Int, UInt8
from numpy.typing import NDArray

from repscope.checks._drawn import centre_square, checkerboard, gradient
from repscope.images.photo import Photo

Pixels = UInt8[NDArray[np.uint8], "S S 3"]


def drawn(side: int) -> list[Photo]:
    """A gradient, a checkerboard and a bright square in the middle of a dark field."""
    return [Photo("gradient", gradient(side)), Photo("board", checkerboard(side)), Photo("square", centre_square(side))]


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


def marked(pixels: Pixels, parts: Int[NDArray[np.integer], "H W"], patch: int) -> list[Photo]:
    """The picture with all patches of a part replaced, one part after the other: white, or black on light.

    >>> first, second = marked(np.zeros((2, 2, 3), np.uint8), np.array([[0, 1], [0, 0]]), 1)
    >>> first.pixels[:, :, 0].tolist(), second.pixels[:, :, 0].tolist()
    ([[255, 0], [255, 255]], [[0, 255], [0, 0]])
    """
    made = []
    for part in range(int(parts.max()) + 1):
        changed = pixels.copy()
        for row, column in np.argwhere(parts == part):
            cell = changed[row * patch : (row + 1) * patch, column * patch : (column + 1) * patch]
            cell[:] = 0 if cell.mean() > 127 else 255
        made.append(Photo(f"marks {part}", changed))
    return made
