"""HTML: whole, self-contained, and deaf to what strangers put into names."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dotted import points
from PIL import Image
from probed import probe

from repscope.render import html as module
from repscope.render.html import fragment, html
from repscope.report import Curve, Gallery, Heatmap, Line, Note, Null, Number, Overlay, Picture, Report, Table, say

VOID = {"meta", "img", "br", "link", "input"}
SOURCES = {"src", "href", "xlink:href", "action", "data", "srcset", "poster", "formaction", "background"}


def strings(value: Any) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, dict):
        value = [*value.values()]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


class Reader(HTMLParser):
    """Every tag with its attributes, the visible text, and whatever was opened or closed wrongly."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.words = ""
        self.holds_json = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.wrong.append(f"twice in {tag}: {names}")
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        self.holds_json = tag == "script" and ("type", "application/json") in attrs

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.holds_json = False
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.words += "\n".join(strings(json.loads(data))) if self.holds_json else data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def page(report: Report) -> Reader:
    return Reader(html(report))


def test_every_tag_is_closed(page: Reader):
    assert page.wrong == []
    assert page.open == []


def test_it_asks_nothing_of_any_network(report: Report, page: Reader):
    addresses = [value for _, attributes in page.tags for name, value in attributes.items() if name in SOURCES]
    assert addresses
    assert all(address.startswith("data:image/") for address in addresses)
    assert not page.all("link")
    assert "http" not in html(report).replace("http-equiv", "")
    assert "@import" not in html(report)
    assert "url(" not in html(report)


def test_no_script_but_ours_can_run(report: Report, page: Reader):
    assert not [tag for tag, _ in page.tags if tag in ("iframe", "object", "embed", "base", "form", "foreignobject")]
    assert [script["type"] for script in page.all("script")] == ["application/json", "application/json", "module"]
    assert module.script() in html(report)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    (policy,) = (meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert rules["style-src"] == "'unsafe-inline'"
    assert rules["script-src"] == f"'sha256-{module.digest()}'"
    assert rules.keys() == {"default-src", "img-src", "style-src", "script-src", "base-uri", "form-action"}


def test_without_anything_live_there_is_no_script():
    page = Reader(html(Report("plain", (Note("words"),))))
    assert not page.all("script")
    assert "script-src" not in html(Report("plain", (Note("words"),)))


def test_names_stay_words(report: Report, page: Reader):
    shown = "<script>alert('x')</script> & \"кошка\" \\x1b[2J[red]ø\\u202eevil\\udcff"
    assert page.words.count(shown) >= 8
    assert shown in [attributes.get("alt") for attributes in page.all("img")]
    page_text = html(report)
    page_text.encode()
    assert not set(page_text) & set("\x1b\u202e\udcff")


def filled(word: str) -> Report:
    """A report in which every place that takes a name has this one."""
    pixels = np.zeros((2, 2, 3), np.uint8)
    number = Number(word, 1.0, (0.5, 1.5), Null(word, 0.1, 0.2), 3, word, word, word, (word,), word)
    blocks = (
        number,
        Note(word, "warning"),
        Table(word, (word, word), ((word, number),), word),
        Heatmap(word, (word,), (word,), ((number,),), caption=word),
        Curve(word, (Line(word, (1.0, 2.0), (1.0, 2.0)),), word, word, caption=word),
        Gallery(word, (Picture(word, pixels),), word),
        Overlay(word, pixels, np.zeros((1, 1)), (0.0, 1.0), None, word, word),
        probe(word),
        points(word),
    )
    return Report(word, blocks, {word: word, "command": word}, ((word, word),))


@pytest.mark.parametrize(
    "evil",
    ["<img src=x onerror=alert(1)>", "\"'><b x='", "</style><script>1</script>", "{{ 7*7 }}", "]]>", "&lt;b&gt;"],
)
def test_no_place_lets_a_name_out(evil: str):
    harmless, read = Reader(html(filled("a calm word"))), Reader(html(filled(evil)))
    assert read.wrong == []
    assert read.open == []
    shape = [(tag, sorted(attributes)) for tag, attributes in harmless.tags]
    assert [(tag, sorted(attributes)) for tag, attributes in read.tags] == shape
    assert read.words.count(evil) == harmless.words.count("a calm word") > 30


def test_every_number_is_said_as_everywhere(report: Report, page: Reader):
    words = " ".join(page.words.split())
    for number in report.numbers():
        assert say(number.value) in words
        if number.ci:
            assert f"[{say(number.ci[0])}, {say(number.ci[1])}]" in words


def test_what_is_known_of_a_number_is_one_step_away(page: Reader):
    buttons = [button for button in page.all("button") if "number" in button["class"]]
    notes = {note["id"] for note in page.all("div") if "popover" in note}
    assert len(notes) == len(buttons)
    for button in buttons:
        assert button["popovertarget"] == button["aria-describedby"]
        assert button["popovertarget"] in notes
        assert button["type"] == "button"
    first = next(button for button in buttons if "Linear" not in button and "debiased" in button["title"])
    for fact in ("debiased", "n = 256 patches", "torus shifts (999 draws)", "p = 0.001", "Rises when few patches"):
        assert fact in first["title"]
        assert fact in page.words


def test_blocks_stand_in_the_reports_order(page: Reader):
    titles = [
        "agree most",
        "Nats shared",
        "PCA of",
        "Patches like",
        "Linear CKA of every",
        "Encoders",
        "Spectrum",
        "Made on",
    ]
    places = [page.words.index(title) for title in titles]
    assert places == sorted(places)


def test_cells_have_their_colour_and_an_ink_that_reads(page: Reader):
    styles = [re.findall(r"#[0-9a-f]{6}", cell["style"]) for cell in page.all("td") if "style" in cell]
    assert len(styles) == 16 + 4
    assert styles[0] == styles[5]  # both are 1.00
    assert styles[0] != styles[1]
    for paper, ink in styles:
        assert module._colours.contrast(paper, ink) >= 4.5


def test_grids_are_sent_as_they_are_and_shown_unsmoothed(report: Report, page: Reader):
    grid = next(block for block in report.blocks if isinstance(block, Gallery)).pictures[1]
    (shown,) = (image for image in page.all("img") if image["alt"] == grid.caption)
    assert shown["class"] == "flat"
    content = base64.b64decode(shown["src"].partition(",")[2])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), grid.pixels)
    assert re.search(r"img\.flat \{ image-rendering: pixelated", html(report))


def test_a_large_photo_is_sent_no_larger_than_it_is_shown():
    pixels = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    (shown,) = Reader(html(Report("", (Gallery("", (Picture("big", pixels),)),)))).all("img")
    assert shown["src"].startswith("data:image/jpeg")
    assert Image.open(io.BytesIO(base64.b64decode(shown["src"].partition(",")[2]))).size == (448, 336)


def test_curves_are_drawn_and_their_values_can_be_read(report: Report, page: Reader):
    assert len(page.all("svg")) == 2
    assert all("viewbox" in svg and "width" not in svg for svg in page.all("svg"))
    assert "currentColor" in html(report)
    assert "#010203" not in html(report)
    assert "3.00 [2.40, 3.60]" in page.words


def test_a_curve_without_values_says_so():
    nothing = Curve("c", (Line("l", (0.0, -1.0), (1.0, float("nan"))),), "x", "y", log_x=True)
    assert "No value to draw." in Reader(html(Report("", (nothing,)))).words


def test_light_dark_paper_and_phone(report: Report):
    text = html(report)
    for rule in ("prefers-color-scheme: dark", "@media print", "overflow-x: auto", "width=device-width"):
        assert rule in text


def test_a_fragment_keeps_its_styles_to_itself(report: Report):
    read = Reader(fragment(report))
    assert read.wrong == []
    assert read.open == []
    assert not {"html", "head", "body", "meta", "title"} & {tag for tag, _ in read.tags}
    assert report._repr_html_() == fragment(report)
    css = (Path(module.__file__).parent / "templates" / "style.css").read_text()
    rules = re.sub(r"@(media|supports)[^{]*\{", "", re.sub(r"\{[^{}]*\}", ";", css))
    selectors = [part.strip() for group in re.split(r"[;{}]", rules) for part in group.split(",")]
    strays = [selector for selector in selectors if selector and ".repscope" not in selector]
    assert strays == []


def test_two_reports_on_one_page_share_no_ids():
    ids = [
        {
            tag["id"]
            for tag in Reader(fragment(Report(title, (Number("a", 1.0, definition="d"),)))).all("div")
            if "id" in tag
        }
        for title in ("one", "other")
    ]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_a_finding_that_does_not_hold_is_grey():
    assert '<p class="faint">within the spread</p>' in html(Report("r", (Note("within the spread", "faint"),)))
    assert ".repscope .notes .faint { color: var(--quiet); }" in html(Report("r", ()))
