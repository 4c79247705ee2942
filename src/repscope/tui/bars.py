"""Bars: one line each above and below the pages."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import RenderResult
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from repscope.tui.state import ACCENT, BOLD, DIM, STRONG, State

GAP = 2
KEPT = 2  # the last keys, help and quit, are always named


class Header(Widget):
    """What is looked at, on the left; by which encoder, on the right."""

    state: reactive[State | None] = reactive(None)

    def render(self) -> RenderResult:
        state, right = self.state, Text()
        if state is None:
            return Text("repscope", STRONG)
        line = Text.assemble(("repscope", STRONG), "  ", self.photos(state), no_wrap=True)
        names = state.answers.names
        if state.encoder:
            place = f" {state.chosen % len(names) + 1} of {len(names)}" if len(names) > 1 else ""
            right = Text.assemble(state.words(state.encoder, f"bold {state.colour(state.encoder)}"), (place, DIM))
        room = max(self.size.width - right.cell_len - GAP, 8)
        line.truncate(room, overflow="ellipsis", pad=True)
        return line.append(" " * GAP).append_text(right)

    def photos(self, state: State) -> Text:
        probe = state.answers.probe
        if probe is None:
            return Text()
        photo = probe.photos[state.photo % len(probe.photos)]
        place = f"  {state.photo % len(probe.photos) + 1} of {len(probe.photos)}" if len(probe.photos) > 1 else ""
        return Text.assemble(state.words(photo.id, BOLD), (place, DIM))


class Tab(Static):
    """One tab's name; a click goes there."""

    def __init__(self, page: str, key: str, title: str):
        super().__init__(Text.assemble((key, DIM), " ", title), id=f"tab-{page}", markup=False)
        self.page = page

    async def on_click(self) -> None:
        await self.run_action(f"app.page('{self.page}')")


class Line(Widget):
    """A rule, which fills while something is done and says what."""

    words: reactive[str] = reactive("")
    share: reactive[float] = reactive(0.0)

    def render(self) -> RenderResult:
        width = self.size.width
        if not self.words:
            return Text("─" * width, DIM)
        words = Text(f" {self.words}", DIM)
        words.truncate(width // 2 + 8, overflow="ellipsis")
        room = width - words.cell_len
        full = round(room * self.share)
        return Text.assemble(("━" * full, ACCENT), ("─" * (room - full), DIM)).append_text(words)


class Footer(Widget):
    """The keys: those of the page first, then those of every page."""

    keys: reactive[Sequence[tuple[str, str]]] = reactive(())

    def render(self) -> RenderResult:
        keys = list(self.keys)
        while len(keys) > KEPT and sum(len(key) + len(what) + 1 + GAP for key, what in keys) - GAP > self.size.width:
            del keys[-KEPT - 1]
        items = (Text.assemble((key, BOLD), " ", (what, DIM)) for key, what in keys)
        return Text(" " * GAP, no_wrap=True, overflow="ellipsis").join(items)
