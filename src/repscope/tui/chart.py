"""Chart: a curve of a report with its axes."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from repscope.report import Curve, Line, say
from repscope.tui.canvas import Axis, Canvas
from repscope.tui.state import BOLD, DIM, State

GLYPHS = "ox+*#%"
LABEL = 7
AROUND = 8
"""Lines that a chart with a legend has beside its drawing."""


class Chart:
    """A curve; `high` lines for the drawing itself."""

    def __init__(self, state: State, curve: Curve, high: int):
        self.state, self.curve, self.high = state, curve, max(high, 3)
        self.bars = curve.style == "bars"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        curve, words, width = self.curve, self.state.words, max(options.max_width - LABEL - 2, 8)
        lines = sorted(curve.lines, key=lambda line: line.label == self.state.encoder)
        if self.bars and lines[-1].x:
            width -= width % len(lines[-1].x) if width > len(lines[-1].x) else 0
        x, y = self.axes(lines)
        yield words(curve.title, BOLD)
        if len(lines) > 1:
            yield self.legend()
        yield words(curve.y_label + (" (logarithmic)" if curve.log_y else ""), DIM)
        ticks = {round((1 - (y.share(tick) or 0.0)) * (self.high - 1)): tick for tick in y.ticks(self.high // 2)}
        for i, row in enumerate(self.drawn(lines, x, y, width)):
            label = say(ticks[i]) if i in ticks else ""
            yield Text.assemble((label.rjust(LABEL), DIM), (" ┤" if label else " │", DIM), row)
        yield Text(" " * (LABEL + 1) + "└" + "─" * width, DIM)
        yield from self.below(x, width)
        if curve.caption:
            yield words(curve.caption, DIM)

    def axes(self, lines: Sequence[Line]) -> tuple[Axis, Axis]:
        """Bars begin at zero, and reach one step beyond the left edge of the last."""
        xs, ys = [x for line in lines for x in line.x], [y for line in lines for y in line.y]
        if self.bars and len(xs) > 1:
            xs, ys = [*xs, xs[-1] + xs[1] - xs[0]], [*ys, 0.0]
        return Axis.over(xs, self.curve.log_x), Axis.over(ys, self.curve.log_y)

    def drawn(self, lines: Sequence[Line], x: Axis, y: Axis, width: int) -> list[Text]:
        terminal = self.state.terminal
        dotted = terminal.unicode and (terminal.colour or len(lines) == 1)
        canvas = Canvas(width, self.high, dotted, self.glyph, self.style)
        return canvas.bars(lines[-1], y, terminal.unicode) if self.bars and lines else canvas.lines(lines, x, y)

    def below(self, x: Axis, width: int) -> list[Text]:
        """Ticks and name of the axis below."""
        row = [" "] * width
        for tick in x.ticks(max(width // 14, 2)):
            label = f"{tick:g}" if tick == round(tick) else say(tick)
            at = round((x.share(tick) or 0.0) * (width - 1)) - len(label) // 2
            at = min(max(at, 0), width - len(label))
            row[at : at + len(label)] = label
        name = self.curve.x_label + (" (logarithmic)" if x.log else "")
        indent = " " * (LABEL + 2)
        return [Text(indent + "".join(row), DIM), self.state.words(indent + name.rjust(width), DIM)]

    def legend(self) -> Text:
        """Whose line is whose."""
        items = [
            Text.assemble((self.glyph(line), self.style(line)), " ", self.state.words(line.label, self.style(line)))
            for line in self.curve.lines
        ]
        return Text("  ").join(items)

    def glyph(self, line: Line) -> str:
        names, terminal = self.state.answers.names, self.state.terminal
        if terminal.unicode and terminal.colour:
            return "━"
        return GLYPHS[names.index(line.label) % len(GLYPHS)] if line.label in names else "*"

    def style(self, line: Line) -> Style:
        chosen = "bold" if line.label == self.state.encoder else ""
        return Style.parse(f"{chosen} {self.state.colour(line.label)}".strip() or "none")
