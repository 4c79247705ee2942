"""repscope tui"""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from repscope.cli._options import FRAME, Frame, Layer, Models, Photos, found, names_of
from repscope.cli.compare import SHOWN
from repscope.errors import Unsupported

if TYPE_CHECKING:
    from repscope.encoders.encoder import Framing


def tui(
    photos: Photos = None,
    models: Models = None,
    frame: Annotated[Frame, typer.Option("--frame", help=FRAME)] = Frame.SQUARE,
    layer: Layer = -1,
) -> None:
    """Look at photos and encoders in the terminal.

    A screen of the reports of compare and inspect, and a probe to move over the photo. Without -m
    the encoders that come with the package are looked at; no network is needed.
    """
    names = list(dict.fromkeys(names_of(models))) or list(SHOWN)
    given = found(photos, strict=False)
    screen(given, names, frame.value, layer)


def screen(photos: list[str], names: list[str], framing: "Framing", layer: int) -> None:
    """Show it until somebody leaves; raises Unsupported where there is no terminal for it."""
    if (
        not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
        or os.environ.get("TERM", "dumb") == "dumb"
    ):
        raise Unsupported(
            "A screen wants a terminal that moves its cursor; this is none. repscope compare prints the same numbers."
        )
    from repscope.tui.app import RepscopeApp

    app = RepscopeApp(photos, names, framing=framing, layer=layer)
    error = app.run()
    if not app.study.leave():
        os._exit(app.return_code or 0)  # inside a forward pass, which nobody waits for
    if error is not None:
        raise error
    if app.return_code:
        raise typer.Exit(app.return_code)
