"""HTML: one page that asks nothing of any network; and the same as a notebook's cell.

Curves are drawn here, once, as SVG. A live chart would bring a megabyte of script that needs
`eval`; what its tooltips would say stands in a table under each curve, where a screen reader, a
printer and a search find it too. Only the probe and maps of images are live, with one script of ours: so the page can
forbid everything but its own style, its pictures and that script, which it names by its hash.
"""

import base64
import math
import re
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
from repscope.render.json import plain
from repscope.report import Curve, Number, Overlay, Points, Probe, Report, against, say, spread

TILE = 448  # pixels of a picture at most; a grid of tokens is sent as small as it is
PLACES = 24  # rows of the table under a curve


def html(report: Report) -> str:
    """A whole page in one file, readable in light and dark, on paper and on a phone."""
    return _environment().get_template("page.html").render(_context(report) | {"linked": True})


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
        "data": data,
        "places": places,
    }
    return environment


def _context(report: Report) -> dict[str, Any]:
    # reports shown on one page must not share ids
    seed = repr((report.title, report.numbers(), plain(report.provenance)))
    mark = sha256(seed.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    numbers = count(1)
    return {
        "report": report,
        "runs": _wording.runs(report.blocks),
        "remarks": _wording.remarked(report),
        "definitions": _wording.definitions(report),
        "provenance": dumps(plain(report.provenance), indent=2, ensure_ascii=False).splitlines(),
        "command": report.provenance.get("command", ""),
        "fresh": lambda: f"r{mark}-{next(numbers)}",
        "style": Markup(files("repscope.render").joinpath("templates/style.css").read_text(encoding="utf-8")),
        "script": Markup(script()) if _live(report) else "",
        "digest": digest(),
        "linked": False,
    }


def _live(report: Report) -> bool:
    """Whether there is something in it that needs the script."""
    return bool(report.provenance.get("command")) or any(isinstance(block, Probe | Points) for block in report.blocks)


MODULES = {
    **dict.fromkeys(("tokens", "draw", "stage", "panel", "address", "chips", "controls", "copy"), "probe"),
    **dict.fromkeys(
        ("packed", "nearby", "view", "plot", "thumbnails", "card", "legend", "selection", "choices"), "points"
    ),
    "points": "points",
    "probe": "probe",
}
"""The page's modules, each after those that it imports, and their folders; to a browser they lie side by side."""


@cache
def script() -> str:
    """The modules as one, which mounts every probe and every map of the page."""
    where = files("repscope.render").joinpath("templates")
    parts = [where.joinpath(f"{folder}/{name}.js").read_text("utf-8") for name, folder in MODULES.items()]
    joined = re.sub(r"^import .*\n", "", "\n".join(parts), flags=re.MULTILINE)
    return "{\n" + re.sub(r"^export ", "", joined, flags=re.MULTILINE) + "\nmount();\n}"


@cache
def digest() -> str:
    """The script's SHA-256, as a Content-Security-Policy names it."""
    return base64.b64encode(sha256(script().encode()).digest()).decode()


def data(block: Probe | Points) -> Markup:
    """What the script shows, as JSON that no name in it can break out of."""
    scales = {
        "signed": _colours.coloured(np.linspace(-1, 1, 256), (-1.0, 1.0)),
        "magnitude": _colours.coloured(np.linspace(0, 1, 256), (0.0, 1.0)),
    }
    name = type(block).__name__.lower()
    said = {name: _shown(plain(block)), "scales": {name: plain(table.tobytes()) for name, table in scales.items()}}
    if isinstance(block, Points):
        said["palettes"] = [_colours.classes(len(each.classes)) for each in block.colours]
    return Markup(dumps(said, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))


def _shown(value: Any) -> Any:
    """The same with every name made legible, as a template's text is."""
    if isinstance(value, str):
        return _wording.legible(value)
    if isinstance(value, dict):
        return {key: _shown(part) for key, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list) else value


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
