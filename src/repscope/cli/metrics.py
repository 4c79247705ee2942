"""repscope metrics"""

from typing import Annotated

import typer

from repscope.cli._options import Listing, Medium, show


def metrics(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One metric.")] = None,
    medium: Listing = Medium.TEXT,
) -> None:
    """List the metrics, or show one: definition, unit, laws, reference."""
    from repscope.analyses.metrics import metrics as listed

    show(listed(name), medium.value)
