"""repscope models"""

from typing import Annotated

import typer

from repscope.cli._options import show


def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One encoder, with its contract.")] = None,
    medium: Annotated[str, typer.Option("--format", help="text, json or html.")] = "text",
) -> None:
    """List the encoders that can be asked for by name, or one with its contract."""
    from repscope.analyses.models import models as listed

    show(listed(name), medium)
