"""Beside: parts of a page side by side where they have room, else below each other."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table as Grid

GAP = 4


class Beside:
    """Parts in as many columns as are at least so wide."""

    def __init__(self, parts: Sequence[RenderableType], least: int, most: int = 3):
        self.parts, self.least, self.most = parts, least, most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        count = max(min((options.max_width + GAP) // (self.least + GAP), len(self.parts), self.most), 1)
        width = (options.max_width + GAP) // count - GAP
        grid = Grid.grid(padding=(0, GAP, 0, 0), pad_edge=False)
        for _ in range(count):
            grid.add_column(width=width)
        for start in range(0, len(self.parts), count):
            grid.add_row(*self.parts[start : start + count])
        yield grid
