"""repscope models"""

from typing import Annotated

import typer

from repscope.cli._options import Listing, Medium, names_of, show
from repscope.errors import WrongUsage

NAME = "One encoder, with its contract; with --download one or more."
DOWNLOAD = "Fetch the weights where they are not here whole, go on with what was cut short, verify, say where they are."


def models(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help=NAME, show_default=False)] = None,
    download: Annotated[bool, typer.Option("--download", help=DOWNLOAD)] = False,
    medium: Listing = Medium.TEXT,
) -> None:
    """List the encoders, show the contract of one, or fetch the weights of some."""
    from repscope.analyses import models as asked

    given = names_of(names)
    if not download:
        if len(given) > 1:
            raise WrongUsage(f"models shows one encoder; got {', '.join(given)}. With --download it takes several.")
        show(asked.models(given[0] if given else None), medium.value)
        return
    if not given:
        raise WrongUsage("--download wants the names of encoders; `repscope models` lists them.")
    report = asked.download(given)
    show(report, medium.value)
    if report.skipped:
        raise typer.Exit(1)
