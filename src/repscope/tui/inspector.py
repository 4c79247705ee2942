"""Inspector: everything that is measured of one encoder."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from repscope.report import Curve, Note, Report, Table
from repscope.tui.answers import blocks, readings
from repscope.tui.beside import Beside
from repscope.tui.chart import Chart
from repscope.tui.page import Page
from repscope.tui.state import DIM, WARNING, State
from repscope.tui.table import Matrix, Remarks

HIGH, LEAST = 8, 58


class Inspector(Page):
    """The chosen encoder's readings, norms and contract."""

    title = "Inspector"

    def parts(self, state: State) -> Iterable[RenderableType]:
        report = state.answers.inspected.get(state.encoder)
        if report is None:
            reason = state.answers.refused.get(state.encoder, "")
            yield state.name(state.encoder)
            yield state.words(reason or "Not looked at yet.", WARNING if reason else DIM)
            return
        for note in blocks(report, Note):
            yield state.words(note.text, "" if note.kind == "finding" else DIM)
        yield Text()
        yield Beside([Group(*half) for half in self.halves(state, report)], LEAST)

    def halves(self, state: State, report: Report) -> tuple[list[RenderableType], list[RenderableType]]:
        """Every reading with its remarks; and norms, layers, contract."""
        table, marks = readings(report), dict[str, int]()
        left: list[RenderableType] = []
        if table is not None:
            left = [Matrix(state, table.title, table.header, table.rows, table.caption, marks=marks), Text()]
        right: list[RenderableType] = []
        for curve in (curve for curve in blocks(report, Curve) if curve.style == "bars" or "layer" in curve.x_label):
            right += [Chart(state, curve, HIGH), Text()]
        for other in (other for other in blocks(report, Table) if other is not table):
            right += [Matrix(state, other.title, other.header, other.rows, other.caption, marks=marks), Text()]
        return [*left, Remarks(state, marks), Text()], right
