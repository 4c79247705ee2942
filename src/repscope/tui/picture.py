"""Picture: pixels in the terminal: half blocks, real pixels where it draws them, shades where it has no colour."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from repscope.render._colours import ink
from repscope.tui.terminal import Terminal

Pixels = UInt8[NDArray[np.uint8], "H W 3"]
SHADES, SIGNS = " ░▒▓█", " .:-=+*#%@"
COARSE = np.uint8(0xFC)
"""Colours a step apart are told as one: nobody sees it, and a terminal is sent fewer."""
ENDS = (np.uint8(255), np.uint8(0))


@dataclass(frozen=True, slots=True)
class Mark:
    """A patch to be found again: by a letter, or as the cursor, half white and half black."""

    row: int
    column: int
    letter: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What a picture shows.

    Attributes:
        pixels: Its colours.
        grid: Rows and columns of patches that the marks are among.
        shades: The same in one shade, 0 to 1, where there is no colour; None where only colours tell.
    """

    pixels: Pixels
    grid: tuple[int, int]
    marks: tuple[Mark, ...] = ()
    shades: Float[NDArray[np.floating], "h w"] | None = None


class Picture(Widget):
    """A drawing in a box of so many columns and lines."""

    class Pointed(Message):
        """A click, in fractions of the picture."""

        def __init__(self, picture: "Picture", across: float, down: float):
            super().__init__()
            self.picture, self.across, self.down = picture, across, down

    def __init__(self, terminal: Terminal):
        super().__init__()
        self.terminal = terminal
        self.drawing: Drawing | None = None
        self.rows: list[Strip] = []

    def draw(self, drawing: Drawing, columns: int, lines: int) -> None:
        """Show this."""
        self.drawing = drawing
        if self.terminal.pictures:
            self.rows = half_blocks(drawing, columns, lines)
        else:
            self.rows = shaded(drawing, columns, lines, SHADES if self.terminal.unicode else SIGNS)
        if (self.styles.width, self.styles.height) != (columns, lines):
            self.styles.width, self.styles.height = columns, lines
        self.refresh()

    def on_click(self, event: Click) -> None:
        self.post_message(self.Pointed(self, (event.x + 0.5) / self.size.width, (event.y + 0.5) / self.size.height))

    def render_line(self, y: int) -> Strip:
        return self.rows[y] if y < len(self.rows) else Strip.blank(self.size.width)


def stretched(pixels: Pixels, width: int, height: int) -> Pixels:
    """A grid of patches enlarged whole patch by whole patch as far as that goes; a photo as photos are."""
    if pixels.shape[:2] == (height, width):
        return pixels
    if max(pixels.shape[:2]) <= 64:
        return pixels[np.ix_(nearest(height, pixels.shape[0]), nearest(width, pixels.shape[1]))]
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def nearest(side: int, count: int) -> NDArray[np.intp]:
    """The patch, of so many, that the middle of each pixel falls into."""
    return (2 * np.arange(side) + 1) * count // (2 * side)


def half_blocks(drawing: Drawing, columns: int, lines: int) -> list[Strip]:
    """Two pixels to a character, one above the other."""
    pixels = stretched(drawing.pixels, columns, 2 * lines)
    for mark in drawing.marks:
        if not mark.letter:
            top, bottom, left, right = box_of(mark, drawing.grid, columns, 2 * lines)
            pixels = pixels.copy()
            pixels[top:bottom, left:right] = ENDS[1]
            pixels[top : (top + bottom) // 2, left:right] = ENDS[0]
    pixels = pixels & COARSE
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    letters = _letters(drawing, columns, lines)
    return [
        _strip(above.tolist(), below.tolist(), letters.get(y, {}))
        for y, (above, below) in enumerate(zip(packed[::2], packed[1::2], strict=True))
    ]


def _strip(above: list[int], below: list[int], letters: dict[int, str]) -> Strip:
    """Neighbours of the same colours together."""
    segments, run, before = [], 0, None
    for x, pair in enumerate(zip(above, below, strict=True)):
        if x in letters:
            pair = (*pair, letters[x])
        if pair != before and before is not None:
            segments.append(_segment(before, run))
            run = 0
        before, run = pair, run + 1
    if before is not None:
        segments.append(_segment(before, run))
    return Strip(segments, len(above))


def _segment(pair: tuple, run: int) -> Segment:
    if len(pair) == 3:
        return Segment(pair[2] * run, _inked(pair[1]))
    return Segment(" " * run if pair[0] == pair[1] else "▀" * run, _pair(*pair))


@lru_cache(1 << 15)
def _pair(above: int, below: int) -> Style:
    return Style(color=_colour(above), bgcolor=_colour(below))


@lru_cache(512)
def _inked(paper: int) -> Style:
    return Style(color=ink(f"#{paper:06x}"), bgcolor=_colour(paper), bold=True)


def _colour(packed: int) -> Color:
    return Color.from_rgb(packed >> 16, packed >> 8 & 255, packed & 255)


def box_of(mark: Mark, grid: tuple[int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of a patch in a picture of this size; never empty."""
    top, bottom = (min(_edge(mark.row + further, height, grid[0]), height - 1 + further) for further in (0, 1))
    left, right = (min(_edge(mark.column + further, width, grid[1]), width - 1 + further) for further in (0, 1))
    return top, max(bottom, top + 1), left, max(right, left + 1)


def _edge(patch: int, side: int, count: int) -> int:
    """The first pixel whose middle falls into this patch."""
    return -((count - 2 * patch * side) // (2 * count))


def _letters(drawing: Drawing, columns: int, lines: int) -> dict[int, dict[int, str]]:
    """Line -> column -> letter, in the middle of each patch that has one."""
    found: dict[int, dict[int, str]] = {}
    for mark in drawing.marks:
        if mark.letter:
            top, bottom, left, right = box_of(mark, drawing.grid, columns, 2 * lines)
            found.setdefault((top + bottom - 1) // 4, {})[(left + right - 1) // 2] = mark.letter
    return found


def shaded(drawing: Drawing, columns: int, lines: int, shades: str) -> list[Strip]:
    """Shades in place of colours; the cursor in reverse."""
    values = drawing.shades if drawing.shades is not None else drawing.pixels.mean(2) / 255
    down, across = nearest(lines, values.shape[0]), nearest(columns, values.shape[1])
    steps = np.clip(np.rint(values[np.ix_(down, across)] * (len(shades) - 1)), 0, len(shades) - 1).astype(int)
    letters = _letters(drawing, columns, lines)
    cursor = next((box_of(mark, drawing.grid, columns, lines) for mark in drawing.marks if not mark.letter), None)
    strips = []
    for y, row in enumerate(steps.tolist()):
        segments = []
        for x, step in enumerate(row):
            here = cursor is not None and cursor[0] <= y < cursor[1] and cursor[2] <= x < cursor[3]
            letter = letters.get(y, {}).get(x, shades[step])
            segments.append(Segment("#" if here else letter, Style(reverse=here, bold=letter != shades[step])))
        strips.append(Strip(segments, columns))
    return strips
