"""Lettering: text as pixels, in the font that the chart library carries: Latin, Greek, Cyrillic and symbols."""

import io
import textwrap
from html import escape

import numpy as np
import vl_convert
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, ImageFont

from repscope.render._wording import legible

LEADING = 1.35


def lettering(
    text: str, width: int, size: int = 18, ink: str = "#1c1f24", *, bold: bool = False, middle: bool = False
) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """The text on white, wrapped to `width` pixels; as high as it needs to be."""
    lines = wrapped(legible(text), width, size)
    height = round(LEADING * size * len(lines)) + size // 2
    x, anchor = (width / 2, "middle") if middle else (0, "start")
    style = f'font-family="sans-serif" font-size="{size}" fill="{ink}" text-anchor="{anchor}"'
    style += ' font-weight="bold"' if bold else ""
    spans = "".join(
        f'<text x="{x}" y="{LEADING * size * (i + 1) - size / 4}" {style}>{escape(line)}</text>'
        for i, line in enumerate(lines)
    )
    paper = f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{paper}{spans}</svg>'
    with Image.open(io.BytesIO(vl_convert.svg_to_png(svg, scale=1))) as image:
        return np.asarray(image.convert("RGB"))


def wrapped(text: str, width: int, size: int) -> list[str]:
    """Lines that surely fit: measured in Pillow's own font, which is a little wider."""
    font = ImageFont.load_default(size)
    average = max(font.getlength(text) / max(len(text), 1), size * 0.5)
    return textwrap.wrap(text, max(int(0.95 * width / average), 4)) or [""]
