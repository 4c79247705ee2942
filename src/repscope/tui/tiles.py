"""Tiles: pictures side by side, each with its name above it and words below."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from repscope.tui.picture import Drawing, Picture
from repscope.tui.terminal import Terminal

GAP = 2


@dataclass(frozen=True, slots=True)
class Box:
    """Columns and lines of a picture; a character is taken to be twice as high as wide."""

    columns: int
    lines: int


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a tile shows; without a drawing, words alone."""

    name: Text
    drawing: Drawing | None
    below: Text


def boxed(grid: tuple[int, int], shape: float, columns: int, lines: int) -> Box:
    """The largest box in this room in which patches are whole pixels, or else the largest of the picture's shape.

    Args:
        grid: Rows and columns of patches.
        shape: Width over height of the picture.
    """
    rows, across = grid
    square = abs(across / rows / shape - 1) < 0.05
    factor = min(columns // across, 2 * lines // rows)
    if square and factor >= 1:
        return Box(factor * across, -(-factor * rows // 2))
    height = min(2 * lines, int(columns / shape))
    return Box(max(int(height * shape), 1), max(height // 2, 1))


def across(count: int, least: int, columns: int) -> int:
    """How many tiles of at least this width have room beside each other."""
    return max(min(count, (columns + GAP) // (least + GAP)), 1)


class Tile(Vertical):
    """One picture with its name and words."""

    def __init__(self, terminal: Terminal):
        super().__init__()
        self.name_line, self.below = Static(markup=False), Static(markup=False)
        self.picture = _drawn_in(terminal)

    def compose(self) -> ComposeResult:
        yield self.name_line
        yield self.picture
        yield self.below

    def show(self, shown: Shown, box: Box) -> None:
        if self.styles.width is None or self.styles.width.value != box.columns:
            self.styles.width = box.columns
        _say(self.name_line, shown.name)
        _say(self.below, shown.below)
        self.picture.display = shown.drawing is not None
        if shown.drawing is not None:
            self.picture.draw(shown.drawing, box.columns, box.lines)


class Tiles(Horizontal):
    """As many tiles as are shown."""

    def __init__(self, terminal: Terminal):
        super().__init__()
        self.terminal = terminal
        self.tiles: list[Tile] = []

    def show(self, shown: Sequence[Shown], boxes: Sequence[Box]) -> None:
        while len(self.tiles) < len(shown):
            self.tiles.append(Tile(self.terminal))
            self.mount(self.tiles[-1])
        for place, tile in enumerate(self.tiles):
            tile.display = place < len(shown)
            if tile.display:
                tile.show(shown[place], boxes[place])


def _say(line: Static, words: Text) -> None:
    """Other words; the screen is laid out anew only where they may be higher."""
    before, width = line.content, max(line.size.width, 1)
    alike = isinstance(before, Text) and _high(before, width) == _high(words, width)
    line.display = bool(words)
    line.update(words, layout=not alike)


def _high(words: Text, width: int) -> int:
    return sum(max(-(-part.cell_len // width), 1) for part in words.split())


def _drawn_in(terminal: Terminal) -> Picture:
    """What draws pictures in this terminal."""
    if terminal.graphics:
        from repscope.tui.raster import Raster

        return Raster(terminal)
    return Picture(terminal)
