"""repscope models"""

from typing import Annotated

import typer

from repscope.cli._options import Listing, Medium, show


def models(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One encoder, with its contract.")] = None,
    medium: Listing = Medium.TEXT,
) -> None:
    """List the encoders, or show the contract of one."""
    from repscope.analyses.models import models as listed

    show(listed(name), medium.value)
