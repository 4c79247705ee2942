"""The manual names everything there is, links to what is there, and its generated pages are up to date."""

import importlib.util
import inspect
import re
from collections.abc import Sequence
from dataclasses import fields
from importlib import import_module
from typing import Annotated

import pytest
import typer
from manual import PAGES, ROOT

import repscope
from repscope import cli, errors, report
from repscope.encoders import available
from repscope.encoders.vit import Architecture
from repscope.lab.checkpoint import read_card
from repscope.lab.objectives import catalogue as objectives
from repscope.lab.recipe import Recipe
from repscope.metrics import catalogue

PACKAGES = [
    "repscope",
    *(f"repscope.{name}" for name in ("metrics", "monitor", "encoders", "images", "statistics", "accumulators")),
]


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "metrics.md", "encoders.md", "objectives.md", "results.md"])
def test_a_generated_page_is_what_is_generated(name):
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == generator().PAGES[name](), "run `make docs`"


def test_every_command_and_option_is_in_the_manual(manual):
    words = set(re.findall(r"[\w-]+", manual))
    for name, command in typer.main.get_command(cli.app).commands.items():  # type: ignore[attr-defined]
        assert f"repscope {name}" in manual
        missing = {option for each in command.params for option in each.opts if option.startswith("-")} - words
        assert not missing, f"{name}: {missing}"


def test_every_metric_and_encoder_is_in_the_manual(manual):
    for name, card in catalogue.items():
        assert f"### {name}\n" in manual
        assert card.title in manual
    for name in available():
        assert f"| `{name}` |" in manual


def test_every_objective_is_in_the_manual_and_every_option_and_field_has_a_meaning():
    made = generator()
    assert set(made.PAGES) == {"commands.md", "metrics.md", "encoders.md", "objectives.md", "results.md"}
    text = made.objectives()
    for name, kind in objectives.items():
        (section,) = re.findall(rf"^## {name}\n\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
        rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| (.*) \|$", section, re.MULTILINE)
        options = [each for each in inspect.signature(kind).parameters if each not in ("encoder", "setting")]
        assert [option for option, _ in rows] == options
        assert all(meaning for _, meaning in rows), f"{name}: an option is not in the docstring's Args"
    _, recipe = text.split("## The recipe")
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| (.*) \|$", recipe, re.MULTILINE))
    assert {each.name for each in fields(Recipe)} - {"name", "architecture"} <= set(rows)
    assert {each.name for each in fields(Architecture)} <= set(rows)
    assert all(rows.values()), "a field is not in the docstring's Attributes"


def test_what_is_declared_beside_a_type_is_shown():
    made = generator()
    assert (made._wanted(bool), made._wanted(float)) == ("true or false", "a number, 0 or more")
    assert made._wanted(Annotated[int, "1 or more"]) == "a whole number, 1 or more"
    assert made._wanted(Sequence[str]) == made._wanted(Sequence[str | int]) == "a list of names"
    assert [made._toml(x) for x in (True, 0.5, (0.9, 1), ())] == ["`true`", "`0.5`", "`[0.9, 1]`", "none"]


def test_docstrings_are_read_as_they_are_written():
    made = generator()

    class Parent:
        """Of the whole.

        Args:
            outer: Of the parent.
            both: Of the parent too.
        """

    class Child(Parent):
        """First line.

        The rest.

        Args:
            one, two: Shared by both,
                over two lines.
            both: Of the child.

        Raises nothing.
        """

    for kind in (Parent, Child):
        kind.__module__ = "repscope.here"
    assert made._prose(Child) == "First line.\n\nThe rest.\n\nRaises nothing."
    assert made._meanings(Child) == {
        "outer": "Of the parent.",
        "both": "Of the child.",
        "one": "Shared by both, over two lines.",
        "two": "Shared by both, over two lines.",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_manual(package):
    text = re.sub(r"^```.*?^```", "", (ROOT / "docs" / "python.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
    missing = set(import_module(package).__all__) - named
    assert not missing


def test_every_block_and_error_is_in_the_manual(manual):
    blocks = {
        kind.__name__ for kind in vars(report).values() if isinstance(kind, type) and kind.__module__ == report.__name__
    }
    kinds = {
        kind.__name__
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.RepscopeError)
    }
    for name in blocks | kinds:
        assert f"`{name}`" in manual or f".{name}`" in manual, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("http"):
            continue
        path, _, section = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.is_file(), target
        titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE) if section else []
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not section or section in anchors, target


def test_every_page_is_listed_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for page in PAGES:
        if page.parent.name == "docs":
            assert f"(docs/{page.name})" in readme


def test_the_picture_is_there_and_small():
    assert 10_000 < (ROOT / "docs" / "pictures" / "compare.png").stat().st_size < 300_000


def test_the_changelog_speaks_of_this_version_or_of_what_comes():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text or f"## [{repscope.__version__}]" in text


def test_every_embedded_encoder_has_a_row_with_the_accuracy_of_its_card():
    text = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(tiny-\w+)` \| ([\d,]+ \|.*)$", text, re.MULTILINE))
    embedded = {name for name, contract in available().items() if contract.family == "lab"}
    assert rows.keys() == embedded
    for name, row in rows.items():
        card = read_card(name)
        shown, precision, _, neighbours, probe = row.removesuffix(" |").split(" | ")
        assert shown == f"{card['presentations']:,}"
        low, high = card["knn_interval"]
        assert neighbours == f"{card['knn_accuracy']:.1%} ({low:.1%} to {high:.1%})"
        assert {float(cell.split("%")[0]) > 0 for cell in (precision, probe)} == {True}
