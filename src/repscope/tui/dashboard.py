"""Dashboard: the photo, how each encoder colours it, what was found, and the headline readings."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Static

from repscope.report import Note, Probe, Table
from repscope.tui.looks import shape, sight
from repscope.tui.page import Page
from repscope.tui.picture import Drawing
from repscope.tui.state import DIM, WARNING, State
from repscope.tui.table import Matrix, Remarks
from repscope.tui.tiles import GAP, Shown, Tiles, boxed

HEADLINES = 9
TALLEST = 20
COLOURLESS = "PCA maps are colours, which this terminal does not show; the Probe (5) shows what is alike in shades."


class Dashboard(Page):
    """What a first look wants."""

    title = "Dashboard"

    def compose(self) -> ComposeResult:
        yield Tiles(self.app.terminal)  # type: ignore[attr-defined]
        yield Static(id="caption", markup=False)
        with Container(id="columns"):
            yield Static(id="findings", markup=False)
            yield Static(id="headlines", markup=False)

    def show(self, state: State) -> None:
        self.state = state
        self.query_one("#findings", Static).update(Group(*self.findings(state)))
        self.query_one("#headlines", Static).update(Group(*self.headlines(state)))
        self.pictures(state)

    def on_resize(self) -> None:
        if self.state is not None:
            self.pictures(self.state)

    def pictures(self, state: State) -> None:
        """The photo as shown, and the PCA map of each encoder that has one."""
        caption, tiles, probe = self.query_one("#caption", Static), self.query_one(Tiles), state.answers.probe
        tiles.display = probe is not None and state.terminal.pictures
        caption.update(Text(COLOURLESS if not state.terminal.pictures else "", DIM))
        if probe is not None and tiles.display and self.size:
            shown = self.shown(state, probe)
            room = (self.content_size.width + GAP) // len(shown) - GAP
            boxes = [boxed(d.drawing.grid, proportion, max(room, 8), TALLEST) for d, proportion in shown if d.drawing]
            tiles.show([each for each, _ in shown], boxes)
            caption.update(Text("First three components as red, green, blue; not comparable between encoders.", DIM))

    def shown(self, state: State, probe: Probe) -> list[tuple[Shown, float]]:
        photo = state.photo % len(probe.photos)
        snapshot = probe.photos[photo]
        panels = [panel for panel in probe.panels if panel.looks]
        looks = [panel.looks[photo] for panel in panels]
        pixels = sight(snapshot, looks[0].frame, 96)
        proportion = shape(snapshot, looks[0])
        found = [(Shown(state.words("as shown", DIM), Drawing(pixels, looks[0].grid), Text()), proportion)]
        for panel, look in zip(panels, looks, strict=True):
            drawing = Drawing(look.pca, look.grid)
            found.append((Shown(state.name(panel.encoder), drawing, Text()), shape(snapshot, look)))
        return found

    def findings(self, state: State) -> Iterable[RenderableType]:
        """What the report says in sentences; what went wrong first."""
        answers = state.answers
        compared = answers.compared is not None
        for name, reason in () if compared else answers.refused.items():
            yield state.words(f"! {name} is left out: {reason}", WARNING)
        for source, reason in (*answers.skipped, *(answers.main.skipped if answers.main else ())):
            yield state.words(f"! {source}: {reason}", WARNING)
        for note in sorted(answers.notes, key=lambda note: note.kind != "warning"):
            yield self.note(state, note)

    def note(self, state: State, note: Note) -> RenderableType:
        """A sentence, its lead hanging before it; names in their colours."""
        lead, style = {"finding": ("•", ""), "warning": ("!", WARNING)}.get(note.kind, ("", DIM))
        text = state.words(note.text, style)
        for name in state.answers.names:
            text.highlight_words([state.terminal.words(name)], f"not dim {state.colour(name)}")
        grid = Grid.grid(padding=(0, 1, 0, 0))
        grid.add_row(Text(lead, style), text)
        return grid if lead else text

    def headlines(self, state: State) -> Iterable[RenderableType]:
        table = state.answers.readings
        if table is not None:
            marks: dict[str, int] = {}
            short = Table(table.title, table.header, table.rows[:HEADLINES], table.caption)
            yield Matrix(state, "Headline readings", short.header, short.rows, short.caption, marks=marks)
            yield Remarks(state, marks)
