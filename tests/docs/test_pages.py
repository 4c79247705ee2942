"""The manual names everything there is, links to what is there, and its generated pages are up to date."""

import importlib.util
import re
from importlib import import_module

import pytest
import typer
from manual import PAGES, ROOT

import repscope
from repscope import cli, errors, report
from repscope.encoders import available
from repscope.metrics import catalogue

PACKAGES = [
    "repscope",
    *(f"repscope.{name}" for name in ("metrics", "encoders", "images", "statistics", "accumulators")),
]


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "metrics.md", "encoders.md"])
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
