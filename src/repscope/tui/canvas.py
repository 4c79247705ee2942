"""Canvas: lines as dots of braille, or as letters where there is nothing else; bars as blocks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from repscope.report import Line

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
EIGHTHS, WHOLES = " ▁▂▃▄▅▆▇█", " #"


@dataclass(frozen=True, slots=True)
class Axis:
    """Where a value lies between the ends, 0 to 1; a logarithmic axis has no place for what is not above 0."""

    low: float
    high: float
    log: bool

    @classmethod
    def over(cls, values: Sequence[float], log: bool) -> "Axis":
        usable = [value for value in values if math.isfinite(value) and (value > 0 or not log)] or [1.0]
        return cls(min(usable), max(usable), log)

    def share(self, value: float) -> float | None:
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return (value - low) / (high - low) if high > low else 0.5

    def ticks(self, most: int) -> list[float]:
        """Powers of ten on a logarithmic axis, else the ends and what lies evenly between them."""
        if not self.log:
            count = max(min(most, 5), 2)
            return [self.low + (self.high - self.low) * i / (count - 1) for i in range(count)]
        powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
        step = max(-(-len(powers) // max(most, 1)), 1)
        return [10.0**power for power in powers if (power - powers.start) % step == 0] or [self.low]


@dataclass(frozen=True)
class Canvas:
    """So many columns and lines of characters.

    Attributes:
        dotted: Whether there is braille, and colour to tell lines apart.
        glyph: What a line is drawn with where there is not.
    """

    width: int
    high: int
    dotted: bool
    glyph: Callable[[Line], str]
    style: Callable[[Line], Style]

    def lines(self, lines: Sequence[Line], x: Axis, y: Axis) -> list[Text]:
        """Every line over the ones before it."""
        across, down = (2, 4) if self.dotted else (1, 1)
        dots = [[0] * self.width for _ in range(self.high)]
        owner: list[list[Line | None]] = [[None] * self.width for _ in range(self.high)]
        for line in lines:
            for column, row in _joined(line, x, y, self.width * across, self.high * down):
                i, k = row // down, column // across
                dots[i][k] = (dots[i][k] if owner[i][k] is line else 0) | DOTS[column % across][row % down]
                owner[i][k] = line
        return [self.row(marks, owners) for marks, owners in zip(dots, owner, strict=True)]

    def row(self, dots: Sequence[int], owners: Sequence[Line | None]) -> Text:
        text = Text()
        for mark, line in zip(dots, owners, strict=True):
            if line is None:
                text.append(" ")
            else:
                text.append(chr(0x2800 + mark) if self.dotted else self.glyph(line), self.style(line))
        return text

    def bars(self, line: Line, y: Axis, unicode: bool) -> list[Text]:
        """One bar for each value, with a gap between where there is room."""
        steps = EIGHTHS if unicode else WHOLES
        most, each = len(steps) - 1, max(self.width // len(line.y), 1)
        heights = [round((y.share(value) or 0.0) * self.high * most) for value in line.y]
        rows = []
        for level in range(self.high - 1, -1, -1):
            tops = (steps[min(max(height - level * most, 0), most)] for height in heights)
            rows.append(Text("".join(top * max(each - 1, 1) + " " * (each > 1) for top in tops), self.style(line)))
        return rows


def _joined(line: Line, x: Axis, y: Axis, width: int, height: int) -> list[tuple[int, int]]:
    """Column and row of every dot of a line."""
    found: list[tuple[int, int]] = []
    for place, value in zip(line.x, line.y, strict=True):
        across, up = x.share(place), y.share(value)
        if across is not None and up is not None:
            dot = round(across * (width - 1)), round((1 - up) * (height - 1))
            found += [*(_between(found[-1], dot) if found else ()), dot]
    return found


def _between(one: tuple[int, int], other: tuple[int, int]) -> list[tuple[int, int]]:
    """Dots on the straight line between two."""
    steps = max(abs(other[0] - one[0]), abs(other[1] - one[1]))
    return [
        (round(one[0] + (other[0] - one[0]) * s / steps), round(one[1] + (other[1] - one[1]) * s / steps))
        for s in range(1, steps)
    ]
