"""What the manual tells people to type runs, in a folder of their own, with the encoders of the package."""

import doctest
import importlib.util
import shlex
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import typer
from manual import PAGES, ROOT, examples

from repscope import cli, load
from repscope.encoders import available
from repscope.lab import objectives, recipe
from repscope.lab.options import checked

TOLD = [
    (page, line)
    for page in PAGES
    if page.name != "lab.md"
    for block in examples(page, "sh")
    for line in block.splitlines()
]
COMMANDS = [(page, line) for page, line in TOLD if line.startswith("repscope ")]
TRAINING = ("pretrain", "experiment")
"""Take hours on images that are not there: tests/lab runs them on small ones."""
LIVE = ("serve", "tui")
"""Last until somebody ends them: tests/page and tests/tui drive them."""
ASKED = [
    pytest.param(line, id=f"{page.stem}: {line}")
    for page, line in COMMANDS
    if line.split()[1] not in (*TRAINING, *LIVE)
]
TRAINED = [
    line
    for page in PAGES
    for block in examples(page, "sh")
    for line in block.replace("\\\n", " ").splitlines()
    if line.split()[:1] == ["repscope"] and line.split()[1] in TRAINING
]
PYTHON = [page for page in PAGES if page.name not in ("CONTRIBUTING.md", "lab.md") and examples(page, "python")]


def here(names: str) -> str:
    """As many embedded encoders as are named, where some of the named are not in the package."""
    asked = names.split(",")
    assert set(asked) <= set(available()), f"the manual names an encoder there is not: {names}"
    embedded = [contract.name for contract in available().values() if contract.family == "lab"]
    return names if set(asked) <= set(embedded) else ",".join(embedded[: len(asked)])


@pytest.mark.parametrize("line", ASKED)
def test_a_command_of_the_manual_runs(line, desk, monkeypatch, capfd):
    words = shlex.split(line)
    before = {"-m", "--model", "--models"}
    words = [here(word) if i and words[i - 1] in before else word for i, word in enumerate(words)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capfd.readouterr()
    assert end.value.code == 0, said.err
    assert said.out
    if "-o" in words:
        assert (desk / words[words.index("-o") + 1] / "manifest.json").is_file()


@pytest.mark.parametrize("line", [line for _, line in COMMANDS if line.split()[1] in LIVE])
def test_a_command_that_lasts_begins(line, desk, monkeypatch):
    (desk / "report").mkdir()
    (desk / "report" / "report.json").write_text("{}")
    begun: list[object] = []
    monkeypatch.setattr("repscope.cli.tui.screen", lambda *settings: begun.append(settings))
    monkeypatch.setattr("repscope.web.serve.run", lambda *settings: begun.append(settings))
    monkeypatch.setattr(sys, "argv", shlex.split(line))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert len(begun) == 1


@pytest.mark.parametrize("line", TRAINED)
def test_a_command_that_trains_is_spelt_as_it_is(line):
    _, name, *words = shlex.split(line)
    command = typer.main.get_command(cli.app).commands[name]  # type: ignore[attr-defined]
    with command.make_context(name, words) as context:
        assert context.params["recipe"] in ("tiny-imagenet", "cifar10-ijepa", "objectives")


RECIPES = [block for page in PAGES for block in examples(page, "toml")]


@pytest.mark.parametrize("block", RECIPES)
def test_a_recipe_of_the_manual_is_one(block, tmp_path):
    (tmp_path / "mine.toml").write_text(block, encoding="utf-8")
    plan = recipe.read(str(tmp_path / "mine.toml"))
    assert plan.options
    for name, options in plan.options.items():
        assert checked(name, objectives.catalogue[name], options) == options


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.name)
@pytest.mark.usefixtures("desk")
def test_python_of_the_manual_runs(page):
    """One page is one session: later examples may use what earlier ones made."""
    session: dict[str, object] = {}
    for block in examples(page, "python"):
        exec(compile(block, page.name, "exec"), session)
    assert session.keys() - {"__builtins__"}


def test_the_readme_has_commands_and_python():
    readme = ROOT / "README.md"
    assert readme in PYTHON
    assert {line.split()[1] for page, line in TOLD if page == readme and line.startswith("repscope ")} == {
        "compare",
        "bench",
        "doctor",
        "drift",
        "duplicates",
        "embed",
        "evaluate",
        "experiment",
        "inspect",
        "map",
        "metrics",
        "models",
        "neighbors",
        "pretrain",
        "profile",
        "schema",
        "serve",
        "similarity",
        "tui",
        "verify",
    }


def test_every_make_target_of_the_manual_is_there(manual):
    import re

    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make (\w+)", manual, re.MULTILINE))
    assert {"demo", "test", "docs", "pictures"} <= named <= targets


@pytest.fixture
def worked(tmp_path):
    """The worked examples of CONTRIBUTING.md as modules, by the file's name."""
    metric, family, objective, analysis = examples(ROOT / "CONTRIBUTING.md", "python")

    def made(name: str, text: str) -> ModuleType:
        path: Path = tmp_path / f"{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(f"worked_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    texts = {"largest_share": metric, "example": family, "spread": objective, "widths": analysis}
    return {name: made(name, text) for name, text in texts.items()}


def test_the_worked_metric(worked):
    module = worked["largest_share"]
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted == 2
    share = module.largest_share
    assert share.definition.startswith("The largest eigenvalue")
    x = np.random.default_rng(0).normal(size=(50, 4))
    values = np.linalg.eigvalsh(np.cov(x.T))
    assert share(x) == pytest.approx(values[-1] / values.sum())


def test_the_worked_family(worked):
    from repscope.encoders.keys import arranged
    from repscope.encoders.vit import ViT

    family = worked["example"].example
    (contract,) = family.models
    vit = ViT(contract.architecture)
    assert sum(weight.numel() for weight in vit.parameters()) == contract.parameters
    ours = vit.state_dict()
    theirs = {name.replace("patch.", "embed."): value for name, value in ours.items()}
    assert "embed.weight" in theirs
    again = arranged(theirs, family, {name: tuple(value.shape) for name, value in ours.items()}, "an example")
    assert all((again[name] == value).all() for name, value in ours.items())


def test_the_worked_objective(worked):
    import torch

    from repscope.encoders.vit import ViT
    from repscope.encoders.vit.architecture import Architecture
    from repscope.lab.chance import Chance
    from repscope.lab.objectives import Batch, Setting

    torch.manual_seed(0)
    encoder = ViT(Architecture(width=8, depth=1, heads=1, hidden=8, patch=4, grid=(4, 4)))
    objective = worked["spread"].spread(encoder, Setting(images=2, classes=0, size=16, view=16, local=8))
    chance = Chance(0, 2)
    views = objective.views(torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8), chance)
    loss = objective.loss(Batch(views, torch.zeros(2, dtype=torch.long), torch.arange(2), chance))
    loss.backward()
    assert 0 < loss.item() <= 1
    assert encoder.patch.weight.grad.abs().sum() > 0


def test_the_worked_analysis(worked):
    from repscope.render import media

    encoder = load("tiny-random")
    page = media["text"](worked["widths"].widths([encoder]))
    assert f"{encoder.contract.architecture.width} dimensions" in page
