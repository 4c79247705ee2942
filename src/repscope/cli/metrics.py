"""repscope metrics"""

from typing import Annotated

import typer

from repscope.cli._options import show


def metrics(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One metric.")] = None,
    medium: Annotated[str, typer.Option("--format", help="text, json or html.")] = "text",
) -> None:
    """List the metrics with definition, unit, laws and reference."""
    from repscope.analyses.metrics import metrics as listed

    show(listed(name), medium)
