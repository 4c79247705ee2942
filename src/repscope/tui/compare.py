"""Compare: how alike the encoders are, with nulls, and their readings side by side."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from repscope.render._colours import coloured, hexadecimal, ink
from repscope.report import Heatmap, Number, Table
from repscope.tui.answers import blocks
from repscope.tui.beside import Beside
from repscope.tui.page import Page
from repscope.tui.state import DIM, WARNING, State
from repscope.tui.table import Matrix, Remarks

NAMES, CELL = 14, 16
"""Columns that a matrix wants for the names of its rows, and for every cell."""


class Compare(Page):
    """Matrices, then readings, then what they rest on."""

    title = "Compare"

    def parts(self, state: State) -> Iterable[RenderableType]:
        answers, marks = state.answers, dict[str, int]()
        if answers.compared is None:
            yield state.words(answers.reason or "Not compared yet.", WARNING if answers.reason else DIM)
            return
        matrices = [Group(matrix(state, block, marks), Text()) for block in answers.heatmaps]
        yield Beside(matrices, NAMES + CELL * len(answers.heatmaps[0].columns))
        for table in blocks(answers.compared, Table):
            yield Matrix(state, table.title, table.header, table.rows, table.caption, marks=marks)
            yield Text()
        yield Remarks(state, marks)


def matrix(state: State, block: Heatmap, marks: dict[str, int]) -> Matrix:
    """A heatmap as a table whose cells have their colours."""

    def paper(number: Number) -> Style:
        colour = hexadecimal(coloured(np.array(number.value), block.domain))
        return Style(color=ink(colour), bgcolor=colour)

    units = {number.unit for cells in block.cells for number in cells}
    title = f"{block.title}, {units.pop()}" if len(units) == 1 and all(units) else block.title
    rows = [
        (name, *(replace(number, unit="") if title != block.title else number for number in cells))
        for name, cells in zip(block.rows, block.cells, strict=True)
    ]
    return Matrix(state, title, ("", *block.columns), rows, block.caption, paper, marks)
