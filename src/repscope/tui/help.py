"""Help: every key, and what the pages show."""

from collections.abc import Iterable

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from repscope.tui.page import Page
from repscope.tui.state import BOLD, DIM, State

KEYS = {
    "Everywhere": (
        ("1 - 5, Tab", "Dashboard, Inspector, Compare, Spectrum, Probe; the next one"),
        ("m", "the next encoder: it is inspected, leads the charts, and comes first in the probe"),
        ("n N", "the next and the previous photo of the report"),
        ("o", "open another photo: everything is measured anew"),
        ("j k, g G", "down and up, to the top and to the end"),
        ("?", "this page; again, or Escape: back"),
        ("q", "quit, also while something runs"),
    ),
    "Probe": (
        ("arrows, h j k l", "move the patch; a click does, too"),
        ("Enter", "pin the patch, or unpin it; every panel says how much each pin is like the patch"),
        ("v", "what is shown: similarity, PCA, norm, attention, the photo"),
        ("c", "tokens as they are (raw), less their mean (centred), or less position too"),
        ("p", "cosines (absolute), or the share of other photos' patches that are no more alike (percentile)"),
    ),
    "Open": (
        ("j k, g G", "down and up, to the top and to the end"),
        ("Enter", "open the photo, or the folder"),
        ("a", "open all photos of the folder together"),
        ("h, Backspace", "the folder above"),
        ("Escape", "back without opening anything"),
    ),
}
READ = (
    "Values are those of repscope compare and repscope inspect, with 95 % intervals over photos in brackets. "
    "q95 is what the null reaches 95 times in 100, q05 where less is more alike; p is how often it reaches the value. "
    "(1) refers to the remarks below a table; a dash means that there is no value, and the remark says why."
)


class Help(Page):
    """All keys."""

    title = "Help"

    def parts(self, state: State) -> Iterable[RenderableType]:  # noqa: ARG002
        for title, keys in KEYS.items():
            grid = Grid.grid(padding=(0, 2, 0, 0))
            grid.add_column(width=16)
            grid.add_column()
            for key, what in keys:
                grid.add_row(Text(key, BOLD), Text(what, DIM))
            yield Text(title, BOLD)
            yield grid
            yield Text()
        yield Text("How to read it", BOLD)
        yield Text(READ, DIM)
