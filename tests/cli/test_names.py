"""A photo's name is a stranger's text: whole in JSON, harmless on a page and in a terminal."""

import json
from html.parser import HTMLParser

import pytest

NAMES = [
    "two words.png",
    "a\"b'c`d$e.png",
    "<script>alert(1)<script>.png",
    "<img src=x onerror=alert(1)>&amp;.png",
    "Straße кошка 猫 🙂.png",
    "two\nlines.png",
    "red\x1b[31m\x1b[2J.png",
    "right\u202eleft.png",
    "[bold]markup.png",
    "{{ 7 * 7 }}.png",
]


class Tags(HTMLParser):
    """Every tag of a page, and its attributes that run code."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: dict[str, int] = {}
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.fixture(scope="module")
def plain(run, draw, tmp_path_factory) -> Tags:
    """The page of a photo with an ordinary name."""
    return Tags(run("inspect", draw(tmp_path_factory.mktemp("plain") / "photo.png"), "--format", "html").out)


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_comes_out_intact_and_harmless(run, draw, tmp_path, plain, name):
    photo = draw(tmp_path / name)
    said = run("inspect", photo, "-o", tmp_path / "out", "--format", "json,html")
    assert said.code == 0, said.err
    (entry,) = json.loads((tmp_path / "out" / "report.json").read_text())["provenance"]["photos"]
    assert (entry["id"], entry["source"]) == (name, str(photo))

    page = Tags((tmp_path / "out" / "report.html").read_text())
    assert page.tags == plain.tags
    assert page.handlers == plain.handlers

    assert all(character.isprintable() or character == "\n" for character in said.out)
    if name.isprintable():
        assert name.split()[0] in said.out  # whole words: long titles wrap


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_in_a_message_is_escaped(run, tmp_path, name):
    said = run("inspect", tmp_path / name)
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert said.err.strip().isprintable()
    assert (name if name.isprintable() else name.encode("unicode_escape").decode()[-8:]) in said.err


def test_a_name_that_is_no_unicode(run, draw, tmp_path):
    photo = draw(tmp_path / "x.png").rename(tmp_path / "caf\udce9.png")
    said = run("inspect", photo, "-o", tmp_path / "out", "--format", "text,json,html")
    assert said.code == 0, said.err
    assert (
        json.loads((tmp_path / "out" / "report.json").read_text())["provenance"]["photos"][0]["id"] == "caf\udce9.png"
    )


def test_photos_of_one_name_are_told_apart(run, draw, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    given = [draw(tmp_path / folder / "1.png", seed) for seed, folder in enumerate("ab")]
    document = json.loads(run("inspect", *given, "--format", "json").out)
    assert {photo["id"] for photo in document["provenance"]["photos"]} == {"a/1.png", "b/1.png"}
