"""Table: rows of cells as wide as there is room; values beside their intervals, or above them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table as Grid
from rich.text import Text

from repscope.render import _columns
from repscope.render._columns import Entry, Sheet
from repscope.render._wording import counted, counted_once, drawn, halves, measured, remarks, unit_once
from repscope.report import Cell, Number, against
from repscope.tui.state import BOLD, DIM, State

WHOLE = 16
"""Columns of a name that is not broken."""


@dataclass
class Matrix:
    """A table of a report, drawn to the width that there is.

    Attributes:
        paper: The colour behind a number, where it has one.
        marks: Remarks so far and their marks; shared by the tables of a page, which lists them below.
    """

    state: State
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    paper: Callable[[Number], Style] | None = None
    marks: dict[str, int] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words, width = self.state.words, options.max_width
        if self.title:
            yield words(self.title, BOLD)
        rows = [unit_once(row) for row in self.rows]
        wide, narrow = self.sheet(rows, False), self.sheet(rows, True)
        whole = _columns.total([max(entry.full for entry in column) for column in wide.columns]) <= width
        for i, (sheet, columns) in enumerate(_columns.arranged([wide] if whole else [], narrow, width)):
            if i:
                yield Text()
            yield self.grid(sheet, columns, width, rows)
        for line in (*self.shared(rows), self.caption):
            if line:
                yield words(line, DIM)

    def shared(self, rows: Sequence[Sequence[Cell]]) -> list[str]:
        """What all numbers say alike, once below them."""
        numbers = [cell for row in rows for cell in row if isinstance(cell, Number)]
        nulls = sorted({drawn(number.null) for number in numbers} - {""})
        said = [counted_once(self.header, rows), f"null: {' or '.join(nulls)}" if nulls else ""]
        return ["; ".join(filter(None, said))]

    def sheet(self, rows: Sequence[Sequence[Cell]], narrow: bool) -> Sheet:
        count = counted_once(self.header, rows) is None
        cells = tuple(tuple(self.entry(cell, narrow, count) for cell in row) for row in rows)
        header = (self.head(name) for name in self.header)
        return Sheet(tuple(header), cells)

    def head(self, name: str) -> Entry:
        """A column's name; a short one is not broken."""
        name = f"{self.said(name)} " if self.paper and name else self.said(name)
        return Entry((name,), number=cell_len(name) <= WHOLE)

    def entry(self, cell: Cell, narrow: bool, count: bool) -> Entry:
        if isinstance(cell, str):
            return Entry((self.said(cell),))
        value, interval = halves(cell) if narrow else (measured(cell), "")
        null = against(cell.null)
        lines = [f"{value}{self.marked(cell)}", interval, *(null.split(", ") if narrow else [null])]
        lines = [
            self.said(line) for line in [*lines, counted(cell) if count and cell.value is not None else ""] if line
        ]
        return Entry(tuple(f"{line} " if self.paper else line for line in lines), number=True)

    def marked(self, number: Number) -> str:
        """The marks of a number's remarks: " (1)(2)"."""
        found = "".join(f"({self.marks.setdefault(remark, len(self.marks) + 1)})" for remark in remarks(number))
        return f" {found}" if found else ""

    def said(self, text: str) -> str:
        return self.state.terminal.words(text)

    def grid(self, sheet: Sheet, columns: Sequence[int], width: int, rows: Sequence[Sequence[Cell]]) -> Grid:
        widths = sheet.widths(columns, width)
        head = any(entry.lines[0] for entry in sheet.header)
        grid = Grid(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), show_header=head)
        for column, room in zip(columns, widths, strict=True):
            lines = sheet.header[column].within(room)
            padded = [line.rjust(room) for line in lines] if self.paper else lines
            name = Text("\n".join(padded), self.headed(column), justify="left" if self.paper else None)
            align = "right" if sheet.numeric(column) else "left"
            grid.add_column(name, justify=align, width=room, overflow="fold")
        for row, cells in zip(sheet.rows, rows, strict=True):
            high = max(len(row[c].lines) for c in columns)
            grid.add_row(*(self.cell(row[c], cells[c], room, high) for c, room in zip(columns, widths, strict=True)))
        return grid

    def headed(self, column: int) -> str:
        name = self.header[column]
        return f"not dim bold {self.state.colour(name)}" if name and name == self.state.encoder else "not bold dim"

    def cell(self, entry: Entry, cell: Cell, width: int, high: int) -> Text:
        first, *rest = entry.within(width) or [""]
        if not isinstance(cell, Number):
            return Text("\n".join((first, *rest)))
        if self.paper is not None and cell.value is not None and self.state.terminal.pictures:
            lines = [first, *rest, *[""] * (high - len(rest) - 1)]
            return Text("\n".join(line.rjust(width) for line in lines), self.paper(cell), justify="left")
        value, bracket, beside = first.partition(" [")
        return Text(value).append(bracket + beside, DIM).append("".join("\n" + line for line in rest), DIM)


class Remarks:
    """What the tables above have marked; asked when it is drawn, after them."""

    def __init__(self, state: State, marks: dict[str, int]):
        self.state, self.marks = state, marks

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for remark, mark in self.marks.items():
            yield self.state.words(f"({mark}) {remark}", DIM)
