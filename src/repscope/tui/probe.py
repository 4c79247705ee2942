"""Probe: a patch to move over the photo, and what each encoder thinks is like it."""

from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from repscope.report import Look, Pin, Probe
from repscope.report.probe import KINDS
from repscope.tui.looks import LAYERS, SCALES, Asked, Asking, Seen
from repscope.tui.page import Page
from repscope.tui.panels import Panels
from repscope.tui.picture import Picture
from repscope.tui.state import BOLD, DIM, WARNING, State
from repscope.tui.tiles import GAP, Box, Shown, Tile, Tiles

WORDS = 4
"""Lines beside a picture: controls, name, best match, and pins or why it is not as it was asked for."""
FAILED = 24
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOVES = {
    **{"left": (0, -1), "h": (0, -1), "right": (0, 1), "l": (0, 1)},
    **{"up": (-1, 0), "k": (-1, 0), "down": (1, 0), "j": (1, 0)},
}


class ProbePage(Page):
    """Panels side by side; the chosen encoder's first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"move({down}, {across})", show=False) for key, (down, across) in MOVES.items()),
        Binding("enter,space", "pin", show=False),
        Binding("c", "cycle('kind')", show=False),
        Binding("p", "cycle('scale')", show=False),
        Binding("v", "cycle('layer')", show=False),
    ]
    title = "Probe"
    keys = (("arrows", "move"), ("Enter", "pin"), ("v", "show"), ("c", "tokens"), ("p", "scale"), ("n", "photo"))

    def __init__(self, id: str | None = None):  # noqa: A002  as every widget has it
        super().__init__(id=id)
        self.asked, self.seen = Asked(), dict[str, Seen]()
        self.panels: Panels | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="controls", markup=False)
        yield Tiles(self.app.terminal)  # type: ignore[attr-defined]
        yield Static(id="why", markup=False)

    def show(self, state: State) -> None:
        probe, before = state.answers.probe, self.panels.probe if self.panels else None
        self.state, self.panels = state, Panels(state, probe) if probe is not None else None
        if probe is not None and probe is not before:
            self.begin(probe)
        self.draw()

    def begin(self, probe: Probe) -> None:
        """The pins of a new probe, and the cursor in the middle of what the first encoder was shown."""
        self.asked = replace(self.asked, pins=probe.pins)
        if (look := self.lead) is not None:
            self.at(*look.centre(look.grid[0] // 2, look.grid[1] // 2))

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Ask every panel that has room, and show what it says."""
        panels, columns = self.panels, self.content_size.width
        if panels is None or not columns:
            return
        high = max(self.content_size.height, WORDS + 1)
        fitted = panels.fitted(columns, high - WORDS)
        snapshot = panels.probe.photos[panels.photo]
        self.seen = {
            panel.encoder: Asking(panel, panels.photo, snapshot, self.asked, box.columns).seen()
            for panel, box in fitted
        }
        left = columns - sum(box.columns + GAP for _, box in fitted)
        apart = left >= FAILED or not fitted
        seen = list(self.seen.values())
        why = panels.why(seen, apart)
        spare = high - WORDS - max((box.lines for _, box in fitted), default=0)
        self.place(panels, fitted, 1 if why and not spare else WORDS, left if apart else 0)
        self.query_one("#controls", Static).update(panels.controls(self.asked, seen, columns), layout=False)
        line = self.query_one("#why", Static)
        line.display = bool(why)
        line.update(panels.state.words(why, WARNING))

    def place(self, panels: Panels, fitted: list, words: int, left: int) -> None:
        """Pictures in their boxes, so many lines of words below each; failed encoders in what is left."""
        state, shown, boxes = panels.state, [], []
        for panel, box in fitted:
            seen = self.seen[panel.encoder]
            lines = (state.words(line, DIM if i else "") for i, line in enumerate(seen.said[:words]))
            shown.append(Shown(panels.named(panel, box.columns), seen.drawing, Text("\n").join(lines)))
            boxes.append(box)
        for panel in panels.failed if left else ():
            shown.append(Shown(state.words(panel.encoder, BOLD), None, state.words(panel.reason, DIM)))
            boxes.append(Box(left // len(panels.failed) - GAP, 1))
        self.query_one(Tiles).show(shown, boxes)

    @property
    def lead(self) -> Look | None:
        """What the first panel makes of the photo."""
        works = self.panels.works if self.panels else []
        return works[0].looks[self.panels.photo] if works and self.panels else None

    def at(self, across: float, down: float) -> None:
        self.asked = replace(self.asked, across=across, down=down)

    def action_move(self, down: int, across: int) -> None:
        """One patch of the first encoder further."""
        look = self.lead
        if look is not None:
            rows, columns = look.grid
            row, column = look.place(self.asked.across, self.asked.down) or (rows // 2, columns // 2)
            self.at(*look.centre(min(max(row + down, 0), rows - 1), min(max(column + across, 0), columns - 1)))
            self.draw()

    def on_picture_pointed(self, pointed: Picture.Pointed) -> None:
        """The patch that was clicked on."""
        tile = pointed.picture.parent
        if self.panels is None or not isinstance(tile, Tile):
            return
        shown = [panel for panel in self.panels.works if panel.encoder in self.seen]
        look = shown[self.query_one(Tiles).tiles.index(tile)].looks[self.panels.photo]
        left, top, right, bottom = look.frame
        row, column = look.place(left + pointed.across * (right - left), top + pointed.down * (bottom - top)) or (0, 0)
        self.at(*look.centre(row, column))
        self.draw()

    def action_pin(self) -> None:
        """Pin the patch, or unpin it."""
        look = self.lead
        if look is None or self.panels is None:
            return
        photo, pins = self.panels.photo, self.asked.pins
        place = look.place(self.asked.across, self.asked.down)
        kept = tuple(pin for pin in pins if pin.photo != photo or look.place(pin.across, pin.down) != place)
        if len(kept) == len(pins):
            used = {pin.label for pin in pins}
            label = next((letter for letter in LETTERS if letter not in used), "*")
            kept = (*pins, Pin(photo, self.asked.across, self.asked.down, label))
        self.asked = replace(self.asked, pins=kept)
        self.draw()

    def action_cycle(self, what: str) -> None:
        """The next kind of tokens, scale or layer."""
        options = {"kind": KINDS, "scale": SCALES, "layer": LAYERS}[what]
        following = options[(options.index(getattr(self.asked, what)) + 1) % len(options)]
        self.asked = replace(self.asked, **{what: following})
        self.draw()
