"""Charts: curves and matrices as one Altair specification each, drawn offline as SVG or PNG."""

import math
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import vl_convert
from altair.utils.schemapi import debug_mode

from repscope.render import _colours
from repscope.render._wording import legible
from repscope.report import Curve, Heatmap, Line, say

FONT = "sans-serif"  # the one family that the drawing library always carries
SCALE = 2  # pixels of a PNG for each unit of the drawing


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of everything but the data, and whether the drawing names its lines itself."""

    ink: str
    paper: str
    legend: bool


PAGE = Theme("#010203", "transparent", legend=False)  # the page writes its own legend and lends its own ink
PRINT = Theme("#1c1f24", "#ffffff", legend=True)


def svg(block: Curve) -> str:
    """A curve as an SVG element for a page of any colour: no script, no style, no address."""
    drawn = vl_convert.vegalite_to_svg(_specification(block, PAGE), vl_version=_version())
    drawn = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", drawn, count=2)
    drawn = drawn.replace(PAGE.ink, "currentColor")
    return re.sub(r'<svg([^>]*?) width="\d+" height="\d+"', r'<svg role="img"\1', drawn, count=1)


def png(block: Curve | Heatmap) -> bytes:
    """A chart as a PNG on white, with its title and legend."""
    return vl_convert.vegalite_to_png(_specification(block, PRINT), vl_version=_version(), scale=SCALE)


def _version() -> str:
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def _wrapped(text: str, width: int = 90) -> list[str]:
    return textwrap.wrap(legible(text), width) or [""]


def _specification(block: Curve | Heatmap, theme: Theme, validate: bool = False) -> dict[str, Any]:
    """A chart for the drawing library. Holding it against the schema takes longer than drawing it: tests do that."""
    with debug_mode(validate):
        chart = curve(block, theme) if isinstance(block, Curve) else matrix(block)
        if theme.legend:
            chart = chart.properties(title=alt.TitleParams(legible(block.title), subtitle=_wrapped(block.caption)))
        return _configured(chart, theme, validate)


def _configured(chart: Any, theme: Theme, validate: bool) -> dict[str, Any]:
    quiet = {"domainColor": theme.ink, "domainOpacity": 0.4, "tickColor": theme.ink, "tickOpacity": 0.4}
    words = {"labelColor": theme.ink, "titleColor": theme.ink, "labelFontSize": 11, "titleFontSize": 12}
    return (
        chart.configure(font=FONT, background=theme.paper, padding=8 if theme.legend else 2)
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=theme.ink, gridOpacity=0.1, titleFontWeight="normal", titlePadding=8, **quiet, **words
        )
        .configure_legend(orient="bottom", columns=2, labelLimit=0, symbolOpacity=1, title=None, **words)
        .configure_title(anchor="start", color=theme.ink, subtitleColor=theme.ink, fontSize=14, offset=12)
        .to_dict(validate=validate)
    )


def drawable(block: Curve) -> bool:
    """Whether any point has a place on these axes."""
    return any(True for line in block.lines for _ in _points(line, block))


def _shown(value: float, log: bool) -> float | None:
    return float(value) if math.isfinite(value) and (value > 0 or not log) else None


def _points(line: Line, block: Curve) -> Iterator[dict[str, Any]]:
    """The points of a line that have an x; a missing y stays as a gap."""
    for i, (x, y) in enumerate(zip(line.x, line.y, strict=True)):
        if _shown(x, block.log_x) is None:
            continue
        point = {"line": legible(line.label), "x": float(x), "y": _shown(y, block.log_y)}
        if line.low and line.high:
            point |= {"low": _shown(line.low[i], block.log_y), "high": _shown(line.high[i], block.log_y)}
        yield point


def right_edges(x: tuple[float, ...], log: bool) -> list[float]:
    """Right edge of each bar, from left edges: the next one's, and the last as wide as the one before it."""
    if len(x) < 2:
        return [value * 2 if log else value + 1 for value in x]
    last = x[-1] * x[-1] / x[-2] if log and x[-2] > 0 else 2 * x[-1] - x[-2]
    return [*x[1:], last]


def _bars(block: Curve) -> list[dict[str, Any]]:
    found = []
    for line in block.lines:
        edges = dict(zip(map(float, line.x), right_edges(line.x, block.log_x), strict=True))
        found += [point | {"right": edges[point["x"]]} for point in _points(line, block) if point["y"] is not None]
    return found


def _floor(points: list[dict[str, Any]], block: Curve) -> float:
    """Where bars stand: zero, or on a logarithmic axis the power of ten below the smallest."""
    return 10.0 ** math.floor(math.log10(min(point["y"] for point in points)) - 1e-9) if block.log_y else 0.0


def _axis(values: list[float | None], log: bool) -> Any:
    """A logarithmic axis over two decades or more has lines at the powers of ten only."""
    shown = [value for value in values if value is not None]
    if not log or not shown:
        return alt.Undefined
    low, high = (math.floor(math.log10(min(shown))), math.ceil(math.log10(max(shown))))
    return (
        alt.Axis(values=[10.0**k for k in range(low, high + 1)], format="~g")
        if high - low > 2
        else alt.Axis(format="~g")
    )


def curve(block: Curve, theme: Theme) -> Any:
    """The lines of a curve, with bands where they have them; or its bars."""
    labels = list(dict.fromkeys(legible(line.label) for line in block.lines))
    colours = [_colours.LINES[i % len(_colours.LINES)] for i in range(len(labels))]
    legend = alt.Legend() if theme.legend and len(labels) > 1 else None
    axis = {True: alt.Scale(type="log", nice=False), False: alt.Scale(zero=False, nice=False)}
    points = _bars(block) if block.style == "bars" else [p for line in block.lines for p in _points(line, block)]
    across, up = (_axis([point[key] for point in points], log) for key, log in (("x", block.log_x), ("y", block.log_y)))
    x = alt.X("x:Q", title=legible(block.x_label), scale=axis[block.log_x], axis=across)
    color = alt.Color("line:N", scale=alt.Scale(domain=labels, range=colours), legend=legend)
    named = {"title": legible(block.y_label), "axis": up}
    if block.style == "bars":
        bars = alt.Chart(alt.Data(values=[point | {"floor": _floor(points, block)} for point in points]))
        scale = alt.Scale(type="log") if block.log_y else alt.Scale(zero=True)
        mark = bars.mark_rect(fillOpacity=0.45 if len(labels) > 1 else 0.8, stroke=None)
        drawn = mark.encode(x, x2="right:Q", y=alt.Y("floor:Q", scale=scale, **named), y2="y:Q", color=color)
    else:
        chart = alt.Chart(alt.Data(values=points))
        y = alt.Y("y:Q", scale=alt.Scale(type="log") if block.log_y else alt.Scale(zero=False), **named)
        drawn = chart.mark_line(strokeWidth=2, strokeJoin="round").encode(x, y, color)
        if any("low" in point for point in points):
            band = chart.transform_filter("isValid(datum.low) && isValid(datum.high)").mark_area(opacity=0.18)
            drawn = band.encode(x, alt.Y("low:Q", **named), alt.Y2("high:Q"), color) + drawn
        if max((len(line.x) for line in block.lines), default=0) <= 30:
            drawn += chart.mark_point(filled=True, size=30, opacity=1).encode(x, y, color)
    return drawn.properties(width=560, height=260, description=legible(block.title))


def matrix(block: Heatmap) -> Any:
    """A heatmap with the value in each cell, coloured as on the page."""
    rows, columns = ([f"{i}\t{legible(name)}" for i, name in enumerate(names)] for names in (block.rows, block.columns))
    values = []
    for row, cells in zip(rows, block.cells, strict=True):
        for column, cell in zip(columns, cells, strict=True):
            value = math.nan if cell.value is None else cell.value
            paper = _colours.hexadecimal(_colours.coloured(np.array(value), block.domain))
            values.append({"row": row, "column": column, "say": say(value), "paper": paper, "ink": _colours.ink(paper)})
    name = "slice(datum.label, indexof(datum.label, '\\t') + 1)"  # the index before it keeps equal names apart
    size = min(max(44, 360 // max(len(columns), 1)), 72)
    x_axis = alt.Axis(labelExpr=name, labelAngle=-40, labelLimit=0, title=None, orient="top", ticks=False, domain=False)
    y_axis = alt.Axis(labelExpr=name, labelLimit=0, title=None, ticks=False, domain=False)
    chart = alt.Chart(alt.Data(values=values)).encode(
        alt.X("column:N", sort=columns, axis=x_axis), alt.Y("row:N", sort=rows, axis=y_axis)
    )
    paper = chart.mark_rect().encode(color=alt.Color("paper:N", scale=None))
    ink = chart.mark_text(fontSize=12).encode(text="say:N", color=alt.Color("ink:N", scale=None))
    return (paper + ink).properties(width=size * len(columns), height=max(size * 2 // 3, 30) * len(rows))
