"""Text: a report for the terminal; reads well at 80 columns, and in ASCII where there is nothing else."""

import io
from collections.abc import Callable, Sequence
from typing import Any, Literal

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from repscope.render import _columns, _halfblocks, _scatter, _sparkline
from repscope.render._columns import Entry, Sheet
from repscope.render._wording import (
    ascii_only,
    counted,
    counted_once,
    definitions,
    drawn,
    halves,
    legible,
    measured,
    point,
    remarks,
    runs,
    unit_once,
)
from repscope.report import (
    Cell,
    Curve,
    Gallery,
    Heatmap,
    Line,
    Note,
    Number,
    Overlay,
    Picture,
    Points,
    Probe,
    Report,
    Table,
    against,
    say,
)

LINED = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
LINED_ASCII = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
NARROWEST, TILE = 24, 32
Depth = Literal["standard", "256", "truecolor"]
LEADS = {"finding": ("• ", "green"), "note": ("", ""), "warning": ("! ", "yellow"), "faint": ("", "dim")}


def text(
    report: Report, *, width: int | None = None, colour: bool | Depth = False, encoding: str | None = "utf-8"
) -> str:
    """The report as text, every line at most `width` columns wide.

    Args:
        width: Columns of the page, 24 at least; 80 where none is given, so that a saved page is always the same.
        colour: Whether to add the terminal's colours, or how many it has: with 256 or more, pictures are shown.
        encoding: Of the stream it is for; anything but Unicode gets plain ASCII.

    >>> from repscope.report import Number, Report
    >>> print(text(Report("Alike?", (Number("CKA", 0.5, (0.4, 0.6)),)), encoding="ascii"), end="")
    Alike?
    ======
    <BLANKLINE>
    CKA  0.500 [0.400, 0.600]
    """
    return _Page(width or 80, colour, "utf" in (encoding or "ascii").lower()).written(report)


LARGE, HUGE = 7, 14
"""Columns of a matrix of which only values are told, and only its size."""


class _Page:
    """One report being written: where to, how wide, and the footnotes so far."""

    def __init__(self, width: int, colour: bool | Depth, unicode: bool):
        self.width, self.unicode = max(width, NARROWEST), unicode
        self.out = io.StringIO()
        self.console = Console(
            file=self.out,
            width=self.width,
            color_system=("standard" if colour is True else colour) if colour else None,
            force_terminal=bool(colour),
            force_interactive=False,
            force_jupyter=False,
            legacy_windows=False,
            no_color=not colour,
            markup=False,
            emoji=False,
            highlight=False,
        )
        self.pictures = unicode and colour in ("256", "truecolor")
        self.footnotes: dict[str, int] = {}

    def written(self, report: Report) -> str:
        self.line(report.title, "bold")
        self.line(("═" if self.unicode else "=") * min(len(self.words(report.title)), self.width), "dim")
        for run in runs(report.blocks):
            self.print()
            SHOW[type(run[0])](self, *run)
        self.listing("Skipped", [f"{source}: {reason}" for source, reason in report.skipped])
        self.listing("Remarks", [f"({mark}) {remark}" for remark, mark in self.footnotes.items()])
        self.listing("Definitions", [f"{label}: {_first(what)}" for label, what in definitions(report).items()])
        command = report.provenance.get("command")
        self.listing("Made with", [str(command)] if command else [])
        return "".join(line.rstrip() + "\n" for line in self.out.getvalue().split("\n")[:-1])

    def words(self, text: str) -> str:
        """A stranger's text, safe to print here."""
        text = legible(text)
        return text if self.unicode else ascii_only(text)

    def print(self, what: RenderableType = "") -> None:
        self.console.print(what)

    def line(self, text: str, style: str = "", indent: int = 0) -> None:
        if text:
            self.print(Padding(Text(self.words(text), style, overflow="fold"), (0, 0, 0, indent)))

    def listing(self, title: str, lines: Sequence[str]) -> None:
        if lines:
            self.print()
            self.line(title, "bold")
        for line in lines:
            self.line(line, "dim", indent=2)

    def marked(self, number: Number) -> str:
        """The footnotes of a number, "(1)(2)"; new ones are added at the end."""
        return "".join(f"({self.footnotes.setdefault(r, len(self.footnotes) + 1)})" for r in remarks(number))

    def pairs(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Name beside what it is; below that, dimmed, what it must be read with."""
        grid = Grid.grid(padding=(0, _columns.GAP, 0, 0))
        rows = [(self.words(name), self.words(what), self.words(beside)) for name, what, beside in rows]
        label = min(max(cell_len(name) for name, _, _ in rows), 2 * self.width // 5)
        grid.add_column(width=label)
        grid.add_column(overflow="fold")
        for name, what, beside in rows:
            value = Text(what, "bold").append(f"\n{beside}" if beside else "", "not bold dim")
            grid.add_row(Text("\n".join(_columns.folded(name, label))), value)
        self.print(grid)

    def numbers(self, *numbers: Number) -> None:
        rows = []
        for number in numbers:
            null, how = against(number.null), drawn(number.null)
            beside = [counted(number), f"null {null}" + (f" ({how})" if how else "") if null else ""]
            value = f"{measured(number)} {self.marked(number)}".rstrip()
            rows.append((number.label, value, "; ".join(filter(None, beside))))
        self.pairs(rows)

    def notes(self, *notes: Note) -> None:
        for note in notes:
            lead, style = LEADS[note.kind]
            self.line(lead + note.text, style)

    def table(self, block: Table) -> None:
        self.line(block.title, "bold")
        rows = [unit_once(row) for row in block.rows]
        narrow = self.sheet(block.header, rows, narrow=True)
        self.matrix(block.header, rows, self.sheet(block.header, rows), narrow, narrow.turned(), pieces=narrow)
        self.line(block.caption, "dim")

    def heatmap(self, block: Heatmap) -> None:
        """Its values as a table, intervals and nulls under them; of a large one the values, of a huge one its size."""
        self.line(block.title, "bold")
        if len(block.columns) > HUGE:
            self.line(f"{len(block.rows)} x {len(block.columns)} values, in the other formats", "dim")
            self.line(block.caption, "dim")
            return
        header = ["", *block.columns]
        if len(block.columns) > LARGE:
            plain = [
                (label, *(say(cell.value) for cell in cells))
                for label, cells in zip(block.rows, block.cells, strict=True)
            ]
            self.matrix(header, plain, pieces=self.sheet(header, plain, narrow=True))
            self.line(block.caption, "dim")
            return
        rows = [(label, *cells) for label, cells in zip(block.rows, block.cells, strict=True)]
        self.matrix(header, rows, pieces=self.sheet(header, rows, narrow=True))
        self.line(block.caption, "dim")

    def matrix(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], *forms: Sheet, pieces: Sheet) -> None:
        """Cells in the first form that fits, or cut in pieces; what all numbers share is said once below."""
        for i, (sheet, columns) in enumerate(_columns.arranged(forms, pieces, self.width)):
            if i:
                self.print()
            self.grid(sheet, columns)
        numbers = [cell for row in rows for cell in row if isinstance(cell, Number)]
        nulls = sorted({drawn(number.null) for number in numbers} - {""})
        said = [counted_once(header, rows), f"null: {' or '.join(nulls)}" if nulls else ""]
        self.line("; ".join(filter(None, said)), "dim")
        for remark in self.common(rows, remarks):
            self.line("; ".join(remark), "dim")

    def common(self, rows: Sequence[Sequence[Cell]], what: Callable[[Number], Any]) -> list[Any]:
        """What all numbers of a table say alike; empty where they differ."""
        said = {what(cell) for row in rows for cell in row if isinstance(cell, Number)}
        return list(said) if len(said) == 1 else []

    def sheet(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], narrow: bool = False) -> Sheet:
        """The cells as text: values with their intervals beside them, or below where it must be narrow."""
        count, mark = counted_once(header, rows) is None, not self.common(rows, remarks)
        cells = tuple(tuple(self.entry(cell, narrow, count, mark) for cell in row) for row in rows)
        return Sheet(tuple(Entry((self.words(name),)) for name in header), cells)

    def entry(self, cell: Cell, narrow: bool, count: bool, mark: bool) -> Entry:
        if isinstance(cell, str):
            return Entry((self.words(cell),))
        value, interval = halves(cell) if narrow else (measured(cell), "")
        null = against(cell.null)
        lines = [f"{value} {self.marked(cell) if mark else ''}".rstrip(), interval]
        lines += [*(null.split(", ") if narrow else [null]), counted(cell) if count and cell.value is not None else ""]
        return Entry(tuple(self.words(line) for line in lines if line), number=True)

    def grid(self, sheet: Sheet, columns: Sequence[int]) -> None:
        """Header, rule and rows; the first line of a number is its value, the others are dimmed."""
        widths = sheet.widths(columns, self.width)
        box = LINED if self.unicode else LINED_ASCII
        grid = Grid(box=box, show_edge=False, pad_edge=False, padding=(0, _columns.GAP - 1, 0, 0))
        for c, width in zip(columns, widths, strict=True):
            name = Text("\n".join(sheet.header[c].within(width)))
            grid.add_column(name, justify="right" if sheet.numeric(c) else "left", width=width, overflow="fold")
        for row in sheet.rows:
            grid.add_row(*(self.cell(row[c], width) for c, width in zip(columns, widths, strict=True)))
        self.print(grid)

    def cell(self, entry: Entry, width: int) -> Text:
        first, *rest = entry.within(width) or [""]
        return Text(first).append("".join("\n" + line for line in rest), "dim" if entry.number else "")

    def curve(self, block: Curve) -> None:
        """A row of characters for each line, and the values it begins and ends with."""
        self.line(block.title, "bold")
        logarithmic = [name for name, log in ((block.x_label, block.log_x), (block.y_label, block.log_y)) if log]
        scale = f" (logarithmic: {', '.join(logarithmic)})" if logarithmic else ""
        heights = _sparkline.extent([value for line in block.lines for value in line.y], block.log_y)
        drawn = f", drawn from {say(heights[0])} to {say(heights[1])}" if heights else ": no value to draw"
        self.line(f"{block.y_label} over {block.x_label}{scale}{drawn}", "dim")
        if heights:
            self.pairs([self.sparkline(line, block, heights) for line in block.lines])
        self.line(block.caption, "dim")

    def sparkline(self, line: Line, block: Curve, heights: tuple[float, float]) -> tuple[str, str, str]:
        room = max(self.width // 2, 8)
        shown = _sparkline.places(line.x, room, block.log_x)
        steps = _sparkline.BLOCKS if self.unicode else _sparkline.SIGNS
        drawn = _sparkline.sparkline([line.y[i] for i in shown], *heights, block.log_y, steps)
        ends = [f"{measured(point(line, i))} at {say(line.x[i])}" for i in dict.fromkeys((*shown[:1], *shown[-1:]))]
        return line.label, drawn, " → ".join(ends)

    def gallery(self, block: Gallery) -> None:
        self.line(block.title, "bold")
        if self.pictures:
            pixels = [picture.pixels for picture in block.pictures]
            drawn = [lambda w, p=each: _halfblocks.sized(p, _halfblocks.fitting(pixels, w)) for each in pixels]
            self.row([*zip(map(_named, block.pictures), drawn, strict=True)])
        else:
            self.line("; ".join(map(_named, block.pictures)) + ": pictures, on the page", indent=2)
        self.line(block.caption, "dim")

    def overlays(self, *blocks: Overlay) -> None:
        """Maps over photos: side by side where there is colour."""
        if self.pictures:
            self.row([(block.title, lambda w, b=block: _halfblocks.heated(b, w)) for block in blocks])
        for block in blocks:
            if not self.pictures:
                self.line(block.title, "bold")
                where = f", asked at row {block.mark[0] + 1}, column {block.mark[1] + 1}" if block.mark else ""
                self.line(
                    f"{block.values.shape[0]} × {block.values.shape[1]} patches{where}: a picture, on the page",
                    indent=2,
                )
        for said in dict.fromkeys(f"{block.caption} {self.scale(block)}".strip() for block in blocks):
            self.line(said, "dim")

    def scale(self, block: Overlay) -> str:
        low, high = map(say, block.domain)
        return f"Colours from {low} to {high}{f' {block.unit}' if block.unit else ''}."

    def row(self, pictures: Sequence[tuple[str, Callable[[int], Any]]]) -> None:
        """Pictures of one width with their names below, as many beside each other as have room."""
        across = max(min(len(pictures), (self.width + _columns.GAP) // (TILE // 2 + _columns.GAP)), 1)
        width = max(min((self.width + _columns.GAP) // across - _columns.GAP, TILE), 1)
        for start in range(0, len(pictures), across):
            some = pictures[start : start + across]
            drawn = [draw(width) for _, draw in some]
            for line in _halfblocks.beside(drawn, _columns.GAP):
                self.print(line)
            names = Grid.grid(padding=(0, _columns.GAP, 0, 0))
            for each in drawn:
                names.add_column(width=each.shape[1], overflow="fold")
            names.add_row(*(Text("\n".join(_columns.folded(self.words(name), width))) for name, _ in some))
            self.print(names)

    def probe(self, block: Probe) -> None:
        """What there is to point at; the pointing is done on the page."""
        names = ", ".join(panel.encoder for panel in block.panels)
        photos = f"{len(block.photos)} photos" if len(block.photos) != 1 else block.photos[-1].id
        self.line(f"{block.title}, on the page: {photos} under {names}", "dim")

    def points(self, block: Points) -> None:
        """How many images lie on which maps, and where they lie thick; the pointing is done on the page."""
        self.line(block.title, "bold")
        if self.pictures and _scatter.drawn(block):
            maps = [block.maps[i] for i in _scatter.drawn(block)]
            self.row([(each.encoder, lambda w, m=each: _scatter.density(m.xy, w)) for each in maps])
            self.line("Brighter where more images lie; on the page they can be pointed at.", "dim")
        for each in block.maps:
            self.line(f"{each.encoder}: {each.caption or each.reason}", indent=2)
        colours = ", ".join(each.name for each in block.colours)
        self.line(f"{len(block.ids):,} images, on the page{f'; colours: {colours}' if colours else ''}", "dim")
        self.line(block.caption, "dim")


def _named(picture: Picture) -> str:
    return f"{picture.caption} [{picture.mark}]" if picture.mark else picture.caption


def _first(definition: str) -> str:
    """Its first sentence; the whole stands in the other media."""
    return definition.split(". ")[0].rstrip(".") + "."


SHOW: dict[type, Callable[..., None]] = {
    Number: _Page.numbers,
    Note: _Page.notes,
    Table: _Page.table,
    Heatmap: _Page.heatmap,
    Curve: _Page.curve,
    Gallery: _Page.gallery,
    Overlay: _Page.overlays,
    Probe: _Page.probe,
    Points: _Page.points,
}
