"""Spectrum: how the variance is spread over components, and the readings that are made of it."""

from collections.abc import Iterable
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from repscope.render._wording import halves
from repscope.tui.chart import AROUND, Chart
from repscope.tui.page import Page
from repscope.tui.state import DIM, State
from repscope.tui.table import Matrix, Remarks

MADE_OF_IT = (
    "effective_rank",
    "participation_ratio",
    "stable_rank",
    "components_90",
    "components_99",
    "components_above_1pct",
    "top10_share",
    "alpha_req",
)
BESIDE = 34
"""Columns of the readings beside a narrow chart."""


class Spectrum(Page):
    """A chart of every component, and readings beside it."""

    title = "Spectrum"

    def compose(self) -> ComposeResult:
        with Horizontal(id="halves"):
            yield Static(id="chart", markup=False)
            yield Static(id="ranks", markup=False)

    def show(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self.draw()

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        state = self.state
        if state is None or state.answers.spectrum is None:
            return
        chart, ranks, wide = self.query_one("#chart", Static), self.query_one("#ranks", Static), self.size.width >= 120
        beside = min(50 + 15 * len(state.answers.names), 3 * self.size.width // 5) if wide else BESIDE
        ranks.styles.width = beside
        chart.update(Chart(state, state.answers.spectrum, min(self.size.height - AROUND, 36)))
        ranks.update(Group(*(self.table(state) if wide else self.listing(state))))

    def titles(self) -> list[str]:
        from repscope import metrics

        return [metrics.catalogue[name].title for name in MADE_OF_IT]

    def listing(self, state: State) -> Iterable[RenderableType]:
        """The chosen encoder's readings below each other, intervals below values."""
        yield state.name(state.encoder)
        grid = Grid.grid(padding=(0, 0, 0, 1), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(justify="right")
        for title in self.titles():
            number = state.answers.number(title, state.encoder)
            if number is not None:
                value, interval = halves(replace(number, unit=""))
                beside = Text.assemble(value, (f"\n{interval}" if interval else "", DIM))
                grid.add_row(state.words(title + (f", {number.unit}" if number.unit else ""), DIM), beside)
        yield grid

    def table(self, state: State) -> Iterable[RenderableType]:
        """Every encoder's, side by side."""
        table, marks, titles = state.answers.readings, dict[str, int](), self.titles()
        if table is not None:
            rows = sorted((row for row in table.rows if row[0] in titles), key=lambda row: titles.index(str(row[0])))
            yield Matrix(state, "Made of the spectrum", table.header, rows, table.caption, marks=marks)
            yield Text()
            yield Remarks(state, marks)
