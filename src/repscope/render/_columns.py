"""Columns: how a table too wide for the page is wrapped, turned on its side or cut into tables that fit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

GAP = 2
LABEL = 28  # a word or name longer than this may be broken
NAME = 8  # what a column keeps when there is too little for all
BREAK = re.compile(r"(?<=\s)(?=\S)|(?<=[\w.)\]][-_/])(?<!\de-)(?=[^\s\-_/])")


def pieces(text: str) -> list[str]:
    """Where a line may end: after spaces, and inside words after hyphens, underscores and slashes; not in a number.

    >>> pieces("vjepa2-vitl --precision 1e-06")
    ['vjepa2-', 'vitl ', '--precision ', '1e-06']
    """
    return BREAK.split(text) if text else []


def folded(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` columns, broken within a piece only where a piece is longer.

    >>> folded("vjepa2-vitl-fpc64-256", 14)
    ['vjepa2-vitl-', 'fpc64-256']
    """
    lines = [""]
    for piece in pieces(text):
        for part in chop_cells(piece.rstrip(), width) or [""]:
            if lines[-1] and cell_len(lines[-1] + part) > width:
                lines.append("")
            lines[-1] += part
        lines[-1] += piece[len(piece.rstrip()) :]
    return [line.rstrip() for line in lines]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one cell says, line by line; a number's lines are never broken."""

    lines: tuple[str, ...]
    number: bool = False

    @property
    def full(self) -> int:
        return max((cell_len(line) for line in self.lines), default=0)

    @property
    def least(self) -> int:
        """How narrow its column may become."""
        if self.number:
            return self.full
        longest = max((cell_len(piece.rstrip()) for line in self.lines for piece in pieces(line)), default=0)
        return min(longest, LABEL)

    def within(self, width: int) -> list[str]:
        return list(self.lines) if self.number else [part for line in self.lines for part in folded(line, width)]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as text, before it is known how wide the page is. Column 0 names the rows."""

    header: tuple[Entry, ...]
    rows: tuple[tuple[Entry, ...], ...]

    @property
    def columns(self) -> list[tuple[Entry, ...]]:
        return list(zip(self.header, *self.rows, strict=True))

    @property
    def least(self) -> list[int]:
        return [max(1, *(entry.least for entry in column)) for column in self.columns]

    def widths(self, chosen: Sequence[int], room: int) -> list[int]:
        """Widths of the chosen columns: what each must have; what is left is shared by what each wants beyond that.

        Names that are sentences get two fifths of the room first, and the rest after the others.
        """
        least, wanted = self.least, [max(entry.full for entry in column) for column in self.columns]
        given = {column: least[column] for column in chosen}
        left = room - total(list(given.values()))

        def give(column: int, most: int) -> None:
            nonlocal left
            more = max(min(wanted[column] - given[column], most, left), 0)
            given[column], left = given[column] + more, left - more

        give(chosen[0], 2 * room // 5 - given[chosen[0]])
        small = sorted(chosen[1:], key=lambda c: wanted[c] - least[c])
        for after, column in enumerate(small):
            give(column, left // (len(small) - after))
        give(chosen[0], left)
        for column in (chosen[0], chosen[-1]):  # alone beside the row names and still too wide: names give first
            less = min(max(given[column] - NAME, 0), max(-left, 0))
            given[column], left = given[column] - less, left + less
        return [given[column] for column in chosen]

    def numeric(self, column: int) -> bool:
        """Whether the column holds numbers, and so is read from the right."""
        return bool(self.rows) and all(row[column].number for row in self.rows)

    def fits(self, room: int) -> bool:
        return total(self.least) <= room

    def turned(self) -> "Sheet":
        """Rows as columns."""
        header, *rows = self.columns
        return Sheet(header, tuple(rows))


def total(widths: Sequence[int]) -> int:
    """Width of columns side by side."""
    return sum(widths) + GAP * max(len(widths) - 1, 0)


def split(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns 1.. in as few groups as fit beside column 0, which every group repeats.

    >>> split([10, 8, 8, 8], 30)
    [[0, 1, 2], [0, 3]]
    """
    groups: list[list[int]] = []
    for column in range(1, len(widths)):
        if groups and total([widths[c] for c in groups[-1]] + [widths[column]]) <= room:
            groups[-1].append(column)
        else:
            groups.append([0, column])
    return groups or [[0]]


def arranged(forms: Sequence[Sheet], pieces: Sheet, room: int) -> list[tuple[Sheet, list[int]]]:
    """The first form of a table that fits the room, else `pieces` cut by columns."""
    for sheet in [*forms, pieces]:
        if sheet.fits(room):
            return [(sheet, list(range(len(sheet.header))))]
    return [(pieces, group) for group in split(pieces.least, room)]
