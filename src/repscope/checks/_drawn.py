"""Drawn: pictures by whole-number recipes, the same bytes on every machine; and seeded noise."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from repscope.images.photo import Photo

Pixels = UInt8[NDArray[np.uint8], "H W 3"]

SIZES = ((640, 480), (375, 500), (97, 113), (1501, 67), (61, 1213), (224, 224), (256, 256))
"""Width and height of what transforms are tried on: larger, upright, smaller and odd, wide, tall, right already."""


def textured(width: int, height: int) -> Photo:
    """A ramp in each colour under a texture without period: no crop, shift or filter of it looks like another.

    >>> textured(3, 2).pixels[1].tolist()
    [[5, 95, 58], [61, 106, 108], [120, 119, 159]]
    """
    y, x = np.mgrid[:height, :width].astype(np.int64)
    texture = [(x * x + 3 * x * y + 5 * y * y + 7 * c * x + 11 * c) % 97 for c in range(3)]
    ramps = (158 * x // width, 158 * y // height, 158 * (x + y) // (width + height))
    pixels = np.stack([ramp + grain for ramp, grain in zip(ramps, texture, strict=True)], -1)
    return Photo(f"{width} x {height}", pixels.astype(np.uint8))


def gradient(side: int = 224) -> Pixels:
    y, x = np.mgrid[:side, :side]
    return np.stack([x * 255 // side, y * 255 // side, (x + y) * 255 // (2 * side)], -1).astype(np.uint8)


def checkerboard(side: int = 224) -> Pixels:
    y, x = np.mgrid[:side, :side]
    light = np.where((x // 16 + y // 16) % 2 == 0, 224, 32)
    return np.stack([light, np.full_like(light, 64), 255 - light], -1).astype(np.uint8)


def centre_square(side: int = 224) -> Pixels:
    y, x = np.mgrid[:side, :side]
    inside = (x > side // 4) & (x < 3 * side // 4) & (y > side // 4) & (y < 3 * side // 4)
    return np.where(inside[..., None], [255, 196, 32], [12, 18, 28]).astype(np.uint8)


FIXTURES: dict[str, Callable[[], Pixels]] = {
    "gradient": gradient,
    "checkerboard": checkerboard,
    "centre square": centre_square,
}
"""Those that outputs were published for."""


def noise(seed: int, shapes: Sequence[Sequence[int]]) -> Float[NDArray[np.float32], "..."]:
    """The last of several draws of normal noise from one generator, float32."""
    draws = np.random.default_rng(seed)
    return [draws.standard_normal(tuple(shape)).astype(np.float32) for shape in shapes][-1]
