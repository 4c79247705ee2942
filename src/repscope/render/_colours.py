"""Colours: one scale for magnitudes, one for signed values, six for lines; made so that all eyes can order them.

Both scales are drawn in OKLab (Ottosson 2020), where equal steps look equal. Lightness alone
carries the order, so it survives colour blindness and a grey print.
"""

import math
from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

LINES = ("#2f7ed8", "#d4690a", "#0d9373", "#c04f9e", "#8a7f10", "#7a6fe0")
"""Each at least 3 : 1 against white and against the dark page."""

MISSING = (128, 128, 128)
MOST = 24
"""Classes that have a colour of their own."""

_TO_CUBES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.707614701],
    ]
)


def _rgb(lightness: NDArray, chroma: NDArray, hue: NDArray) -> UInt8[NDArray[np.uint8], "N 3"]:
    """OKLCH to sRGB bytes; hue in degrees."""
    angle = np.deg2rad(hue)
    lab = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], -1)
    linear = np.clip((lab @ _TO_CUBES.T) ** 3 @ _TO_LINEAR.T, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * srgb).astype(np.uint8)


@cache
def _magnitudes() -> UInt8[NDArray[np.uint8], "256 3"]:
    """Dark violet over teal to pale yellow; lightness rises evenly."""
    t = np.linspace(0, 1, 256)
    return _rgb(0.26 + 0.68 * t, 0.085 + 0.055 * np.sin(math.pi * t), 295 - 190 * t)


@cache
def _signs() -> UInt8[NDArray[np.uint8], "256 3"]:
    """Blue over near-white to orange; lightness falls evenly and alike on both sides of zero."""
    t = np.linspace(-1, 1, 256)
    return _rgb(0.965 - 0.46 * np.abs(t), 0.15 * np.abs(t) ** 0.8, np.where(t < 0, 255.0, 50.0))


def signed(domain: tuple[float, float]) -> bool:
    """Whether zero lies inside the domain, so that its two sides mean different things."""
    return domain[0] < 0 < domain[1]


def limits(domain: tuple[float, float]) -> tuple[float, float]:
    """Ends of the colour scale: as given, or as far on both sides of zero, so that zero has no colour."""
    reach = max(abs(domain[0]), abs(domain[1]))
    return (-reach, reach) if signed(domain) else domain


def coloured(
    values: Float[NDArray[np.floating], "*shape"], domain: tuple[float, float]
) -> UInt8[NDArray[np.uint8], "*shape 3"]:
    """The colour of each value; beyond the domain the end's colour, grey where there is no number."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    low, high = limits(domain)
    share = (np.where(known, values, low) - low) / (high - low or 1.0)
    table = _signs() if signed(domain) else _magnitudes()
    colours = table[np.clip(np.rint(255 * share), 0, 255).astype(int)]
    return np.where(known[..., None], colours, np.array(MISSING, np.uint8))


def hexadecimal(colour: NDArray[np.uint8]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour)


def stops(domain: tuple[float, float], count: int = 9) -> list[str]:
    """Colours evenly spaced over the domain, for a gradient."""
    return [hexadecimal(colour) for colour in coloured(np.linspace(*domain, count), domain)]


@cache
def classes(count: int) -> list[str]:
    """A colour for each class: six are those of lines, more go around the hues; from MOST on they repeat.

    Each at least 3 : 1 against white and against the dark page.
    """
    if count <= len(LINES):
        return [*LINES[:count]]
    some = min(count, MOST)
    turn = np.arange(some) / some
    lightness = np.where(np.arange(some) % 2, 0.56, 0.635)
    made = [hexadecimal(colour) for colour in _rgb(lightness, np.full(some, 0.15), 20 + 360 * turn)]
    return [made[i % some] for i in range(count)]


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink(paper: str) -> str:
    """Black or white, whichever reads better on this colour."""
    return max("#000000", "#ffffff", key=lambda colour: contrast(colour, paper))
