"""HTML: one page that asks nothing of any network and runs no script; and the same as a notebook's cell.

Curves are drawn here, once, as SVG. A live chart would bring a megabyte of script that needs
`eval`; what its tooltips would say stands in a table under each curve, where a screen reader, a
printer and a search find it too. So the page can forbid everything but its own style and pictures.
"""

import base64
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import count
from json import dumps
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from repscope.render import _colours, _pictures, _sparkline, _wording
from repscope.render.json import json, plain
from repscope.report import Curve, Number, Overlay, Report, against, say, spread

TILE = 448  # pixels of a picture at most; a grid of tokens is sent as small as it is
PLACES = 24  # rows of the table under a curve


def html(report: Report) -> str:
    """A whole page in one file, readable in light and dark, on paper and on a phone."""
    return _environment().get_template("page.html").render(_context(report))


def fragment(report: Report) -> str:
    """The same without its page, its styles kept to itself: what a notebook shows."""
    return _environment().get_template("fragment.html").render(_context(report))


def _finalised(value: Any) -> Any:
    """Everything a template prints passes here: text nobody vouched for is made legible, then escaped."""
    return value if isinstance(value, Markup) else _wording.legible(str(value))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("repscope.render"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalised,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "kind": lambda run: type(run[0]).__name__.lower(),
        "say": say,
        "spread": spread,
        "wording": _wording,
        "against": against,
        "about": about,
        "paper": paper,
        "scale": scale,
        "image": image,
        "heat": heat,
        "drawing": drawing,
        "legend": legend,
        "places": places,
    }
    return environment


def _context(report: Report) -> dict[str, Any]:
    mark = sha256(json(report).encode()).hexdigest()[:8]  # reports shown on one page must not share ids
    numbers = count(1)
    return {
        "report": report,
        "runs": _wording.runs(report.blocks),
        "definitions": _wording.definitions(report),
        "provenance": dumps(plain(report.provenance), indent=2, ensure_ascii=False).splitlines(),
        "fresh": lambda: f"r{mark}-{next(numbers)}",
        "style": Markup(files("repscope.render").joinpath("templates/style.css").read_text(encoding="utf-8")),
    }


def about(number: Number) -> list[tuple[str, str]]:
    """All that is known of a number beyond its value: what it is, of how many, against which null."""
    found = [("Definition", number.definition), ("Count", _wording.counted(number))]
    found.append(("Null", _wording.explained(number.null) if number.null else ""))
    found.append(("No value", number.reason))
    found += [("Caveat", caveat) for caveat in number.caveats]
    return [(name, what) for name, what in found if what]


def paper(number: Number, domain: tuple[float, float]) -> Markup:
    """Background and ink of a matrix cell."""
    value = math.nan if number.value is None else number.value
    colour = _colours.hexadecimal(_colours.coloured(np.array(value), domain))
    return Markup("background:{};color:{}").format(colour, _colours.ink(colour))


def scale(domain: tuple[float, float]) -> Markup:
    """The colour scale as a CSS gradient."""
    return Markup("background:linear-gradient(to right,{})").format(",".join(_colours.stops(domain, 17)))


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as it stands in the page."""

    source: Markup
    flat: bool


def image(pixels: np.ndarray) -> Image:
    """A grid of tokens as it is, to be enlarged patch by patch; a photo no larger than it is shown."""
    flat = max(pixels.shape[:2]) * 3 <= TILE
    medium, content = _pictures.compact(pixels if flat else _pictures.fitted(pixels, TILE))
    return Image(Markup("data:{};base64,{}").format(medium, base64.b64encode(content).decode()), flat)


def heat(block: Overlay) -> Image:
    return image(_pictures.heated(block, TILE))


def drawing(block: Curve) -> Markup:
    """The SVG of a curve; every label in it was escaped by the library that drew it. Empty where nothing shows."""
    from repscope.render import _charts  # a second of start-up that a page without curves is spared

    return Markup(_charts.svg(block)) if _charts.drawable(block) else Markup("")


def legend(block: Curve) -> list[tuple[str, str]]:
    """Colour and name of each line."""
    labels = dict.fromkeys(line.label for line in block.lines)
    return [(_colours.LINES[i % len(_colours.LINES)], label) for i, label in enumerate(labels)]


def places(block: Curve) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """For each line the values at up to PLACES of its points, as (x, y with its band)."""
    for line in block.lines:
        shown = dict.fromkeys(_sparkline.places(line.x, PLACES, block.log_x))
        yield line.label, [(say(line.x[i]), spread(_wording.point(line, i))) for i in shown]
