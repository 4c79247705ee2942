"""Half blocks: pictures in a terminal, two pixels to a character, one above the other."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image
from rich.color import Color
from rich.style import Style
from rich.text import Text

from repscope.render import _colours
from repscope.report import Overlay

Pixels = UInt8[NDArray[np.uint8], "H W 3"]
HEAT = 0.7
MARK = (0, 0, 0)


def half_blocks(pixels: Pixels) -> list[Text]:
    """One line of text for every two rows of pixels."""
    if len(pixels) % 2:
        pixels = np.concatenate([pixels, pixels[-1:]])
    return [_line(above, below) for above, below in zip(pixels[::2], pixels[1::2], strict=True)]


def _line(above: NDArray[np.uint8], below: NDArray[np.uint8]) -> Text:
    line = Text()
    for top, bottom in zip(above.tolist(), below.tolist(), strict=True):
        line.append("▀", Style(color=Color.from_rgb(*top), bgcolor=Color.from_rgb(*bottom)))
    return line


def sized(pixels: Pixels, width: int) -> Pixels:
    """At most `width` pixels wide; a grid of patches whole pixels at a time, a photo as photos are."""
    height, across = pixels.shape[:2]
    if across <= width and across <= 64:
        factor = width // across
        return pixels.repeat(factor, 0).repeat(factor, 1)
    size = width, max(round(height * width / across), 1)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def fitting(pictures: Sequence[Pixels], width: int) -> int:
    """The width at which grids of patches are drawn in whole pixels: photos beside them are drawn as wide."""
    grids = [each.shape[1] for each in pictures if each.shape[1] <= min(width, 64)]
    return max((width // grid * grid for grid in grids), default=width)


def heated(block: Overlay, width: int) -> Pixels:
    """The photo in grey under the colour of each patch, which are all of one size; the one asked about is black."""
    rows, columns = block.values.shape
    factor = max(width // columns, 1)
    size = columns * factor, rows * factor
    grey = np.asarray(Image.fromarray(block.photo).convert("L").resize(size, Image.Resampling.LANCZOS), np.float64)
    heat = _colours.coloured(block.values, block.domain).repeat(factor, 0).repeat(factor, 1)
    share = np.where(np.isfinite(block.values), HEAT, 0.0).repeat(factor, 0).repeat(factor, 1)[..., None]
    mixed = np.rint(share * heat + (1 - share) * grey[..., None]).astype(np.uint8)
    if block.mark is not None:
        down, across = (place * factor for place in block.mark)
        mixed[down : down + factor, across : across + factor] = MARK
    return mixed


def beside(pictures: Sequence[Pixels], gap: int) -> list[Text]:
    """Pictures in a row, aligned at the top."""
    parts = [half_blocks(each) for each in pictures]
    lines = []
    for i in range(max(map(len, parts))):
        line = Text()
        for k, part in enumerate(parts):
            line.append(" " * gap if k else "")
            line.append_text(part[i] if i < len(part) else Text(" " * pictures[k].shape[1]))
        lines.append(line)
    return lines
