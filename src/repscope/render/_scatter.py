"""Scatter: maps of images as pixels: dots for a file, density for a terminal."""

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from repscope.render import _colours
from repscope.report import Colouring, Points

Pixels = UInt8[NDArray[np.uint8], "H W 3"]
FINE = 3  # dots are drawn so many times larger and then made smaller: smooth edges
GREY = "#808080"


def inks(colouring: Colouring | None, count: int) -> list[str]:
    """The colour of each image's dot: its class's, its reading's, grey where it has none."""
    if colouring is None:
        return [_colours.LINES[0]] * count
    if not colouring.classes:
        return [_colours.hexadecimal(each) for each in _colours.coloured(colouring.array, colouring.domain)]
    palette = _colours.classes(len(colouring.classes))
    return [GREY if np.isnan(value) else palette[int(value)] for value in colouring.array]


def fitted(places: Float[NDArray[np.floating], "N 2"], side: int, margin: int) -> Float[NDArray[np.floating], "N 2"]:
    """Places as pixels from the left and the top of a square, one scale for both axes."""
    low, high = places.min(0).astype(np.float64), places.max(0).astype(np.float64)
    scale = (side - 2 * margin) / (float((high - low).max()) or 1.0)
    middle = (places - (low + high) / 2) * scale
    return np.stack([side / 2 + middle[:, 0], side / 2 - middle[:, 1]], 1)


def scatter(places: Float[NDArray[np.floating], "N 2"], colours: list[str], side: int) -> Pixels:
    """Dots on white, in an order drawn by chance, so that no class lies on top."""
    radius = FINE * float(np.clip(0.16 * side / len(places) ** 0.5, 1.1, 4.5))
    sheet = Image.new("RGB", (FINE * side, FINE * side), "#ffffff")
    draw = ImageDraw.Draw(sheet)
    at = fitted(places, FINE * side, FINE * 10)
    for i in np.random.default_rng(0).permutation(len(places)):
        x, y = at[i]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colours[i])
    draw.rectangle((0, 0, FINE * side - 1, FINE * side - 1), outline="#d5d9df", width=FINE)
    return np.asarray(sheet.resize((side, side), Image.Resampling.BOX))


def density(places: Float[NDArray[np.floating], "N 2"], side: int) -> Pixels:
    """How many images lie on each pixel, the square root of it as a colour."""
    at = np.clip(np.floor(fitted(places, side, 0)), 0, side - 1).astype(int)
    counts = np.zeros((side, side))
    np.add.at(counts, (at[:, 1], at[:, 0]), 1.0)
    return _colours.coloured(np.sqrt(counts), (0.0, float(np.sqrt(counts.max()))))


def legend(colouring: Colouring, most: int = _colours.MOST) -> list[tuple[str, str]]:
    """Colour and name of each class that has one of its own, and what is left."""
    palette = _colours.classes(len(colouring.classes))
    named = [*zip(palette, colouring.classes, strict=True)][:most]
    rest = len(colouring.classes) - len(named)
    return named + ([(GREY, f"and {rest} classes more, in the same colours")] if rest else [])


def drawn(block: Points) -> list[int]:
    """Which of its maps there is something to see on."""
    return [i for i, each in enumerate(block.maps) if each.places]
