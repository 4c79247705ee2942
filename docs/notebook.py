"""Make and execute docs/notebook.ipynb: `make notebook`. Its cells stand here, so that they are code under review."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
CELLS = (
    "# A report in a notebook\n\nThe two sample photos under three small encoders that come with the package.",
    ">import repscope\n\n"
    'encoders = [repscope.load(name) for name in ("tiny-dino", "tiny-mae", "tiny-random")]\n'
    "report = repscope.compare([], encoders)\n"
    "report.title",
    "A block shows itself. The first one is the probe: point at a patch, and every encoder says what is like it.",
    ">report.blocks[0]",
    "Every number with its interval and null, as a data frame.",
    ">frame = report.to_frame()\n"
    'frame[frame.label == "CKA"][["row", "column", "value", "low", "high", "null", "null_q95", "p", "n"]].round(3)',
    "One table of the report, and what the probe holds.",
    ">from repscope.report import Table\n\nnext(block for block in report.blocks if isinstance(block, Table))",
    ">probe = report.blocks[0]\n"
    "for panel in probe.panels:\n"
    "    like = panel.similarity(photo=1, patch=(8, 8))\n"
    '    print(f"{panel.encoder}: {(like > 0.5).sum()} patches above .5, off by {panel.error:.3f} at most")',
)


def notebook() -> nbformat.NotebookNode:
    """The cells, not executed: code after a `>`, words otherwise."""
    made = nbformat.v4.new_notebook()
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    for i, cell in enumerate(CELLS):
        new = nbformat.v4.new_code_cell if cell.startswith(">") else nbformat.v4.new_markdown_cell
        made.cells.append(new(cell.removeprefix(">"), id=f"cell-{i}"))
    return made


def executed() -> nbformat.NotebookNode:
    """The same with what its cells say; a cell that fails raises."""
    made = notebook()
    NotebookClient(made, timeout=300, record_timing=False).execute()
    return made


if __name__ == "__main__":
    nbformat.write(executed(), HERE / "notebook.ipynb")
