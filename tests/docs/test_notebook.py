"""The executed notebook of the manual is what its script makes of it."""

import importlib.util
import re

import nbformat
import pytest
from manual import ROOT


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "docs" / "notebook.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROUNDING = re.compile(r"\d(?:\.\d+)?e-(?:0[7-9]|[1-9]\d)")
"""What should be 0 and is the rounding of float32: another processor has another."""


def words(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells printed, and the plain text of what they show."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [ROUNDING.sub("0", output.get("text") or output.data["text/plain"]) for output in outputs]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_the_notebook_is_executed_as_it_stands(script):
    kept, made = nbformat.read(ROOT / "docs" / "notebook.ipynb", 4), script.executed()
    assert [cell.source for cell in kept.cells] == [cell.source for cell in made.cells]
    assert words(kept) == words(made), "run `make notebook`"
    assert 'figure class="probe"' in kept.cells[3].outputs[0].data["text/html"]
