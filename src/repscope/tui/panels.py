"""Panels: which of them the probe shows, how large, and the words around them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.text import Text

from repscope.render._colours import coloured, hexadecimal
from repscope.report import Panel, Probe, say
from repscope.tui.looks import Asked, Seen, shape
from repscope.tui.page import WIDE
from repscope.tui.state import BOLD, DIM, State
from repscope.tui.tiles import GAP, Box, boxed

STEPS = 16


@dataclass(frozen=True, eq=False)
class Panels:
    """The panels of a probe in the order of a state: the chosen encoder's first, failed ones apart."""

    state: State
    probe: Probe

    @property
    def photo(self) -> int:
        return self.state.photo % len(self.probe.photos)

    @property
    def turned(self) -> list[Panel]:
        panels = self.probe.panels
        names = [panel.encoder for panel in panels]
        first = names.index(self.state.encoder) if self.state.encoder in names else 0
        return [*panels[first:], *panels[:first]]

    @property
    def works(self) -> list[Panel]:
        return [panel for panel in self.turned if panel.looks]

    @property
    def failed(self) -> list[Panel]:
        return [panel for panel in self.turned if not panel.looks]

    def fitted(self, columns: int, lines: int) -> list[tuple[Panel, Box]]:
        """Those that are shown, and how large: two at least where there is room, all where it is wide."""
        works, snapshot = self.works, self.probe.photos[self.photo]
        looks = [panel.looks[self.photo] for panel in works]
        for several in range(len(works) if columns >= WIDE else min(len(works), 2), 0, -1):
            room = (columns - GAP * (several - 1)) // several
            boxes = [boxed(look.grid, shape(snapshot, look), room, lines) for look in looks]
            if several == 1 or all(box.columns >= look.grid[1] for box, look in zip(boxes, looks, strict=True)):
                ends = np.cumsum([box.columns + GAP for box in boxes])
                taken = max(int(np.searchsorted(ends, columns + GAP, "right")), 1)
                return list(zip(works, boxes, strict=True))[:taken]
        return []

    def named(self, panel: Panel, columns: int) -> Text:
        """An encoder's name, and beside it how far its similarities may be off."""
        name, across = self.state.name(panel.encoder), panel.across
        between = "" if across is None else f", between photos {say(across)}"
        loss = f"off by at most {say(panel.error)}"
        for beside in (loss + between, loss, f"± {say(panel.error)}"):
            if name.cell_len + GAP + len(beside) <= columns:
                break
        line = Text.assemble(name, no_wrap=True)
        line.truncate(max(columns - GAP - len(beside), 1), overflow="ellipsis", pad=True)
        return Text.assemble(line, " " * GAP, (beside, DIM), no_wrap=True)

    def controls(self, asked: Asked, seen: Sequence[Seen], columns: int) -> Text:
        """What is shown, where the cursor is, and what the colours mean."""
        line = Text.assemble((asked.layer, BOLD), no_wrap=True)
        if asked.layer == "similarity":
            line.append(f"  {self.told(asked)}", DIM)
        place = self.works[0].looks[self.photo].place(asked.across, asked.down) if self.works else None
        line.append("" if place is None else f"  row {place[0] + 1}, column {place[1] + 1}")
        if len(seen) < len(self.works):
            line.append(f"  {len(seen)} of {len(self.works)}", DIM)
        scale = self.scale(asked, seen)
        room = columns - line.cell_len - scale.cell_len
        return line.append(" " * room).append_text(scale) if room >= GAP else line

    def told(self, asked: Asked) -> str:
        """The kind of tokens and the scale that are shown, where every panel shows the same."""
        kind = _only({panel.usable(asked.kind) for panel in self.works}, asked.kind)
        ranked = {"absolute" if panel.without_percentile else asked.scale for panel in self.works}
        return f"{kind}, {_only(ranked, asked.scale)}"

    def scale(self, asked: Asked, seen: Sequence[Seen]) -> Text:
        """The colours from one end to the other."""
        domain = next((each.overlay.domain for each in seen if each.overlay), None)
        if domain is None or not self.state.terminal.pictures:
            return Text()
        ends = ("-1", "1") if domain[0] < 0 else ("0 %", "100 %") if asked.layer == "similarity" else ("least", "most")
        colours = coloured(np.linspace(*domain, STEPS), domain)
        return Text.assemble((ends[0], DIM), " ", *(("█", hexadecimal(each)) for each in colours), " ", (ends[1], DIM))

    def why(self, seen: Sequence[Seen], apart: bool) -> str:
        """Why something is not as it was asked for; failed encoders too, where they have no room of their own."""
        failed = [] if apart else [f"{panel.encoder}: {panel.reason}" for panel in self.failed]
        return "  ".join(dict.fromkeys([*(each.why for each in seen if each.why), *failed]))


def _only(shown: set[str], asked: str) -> str:
    return next(iter(shown)) if len(shown) == 1 else asked
