"""repscope serve"""

from pathlib import Path
from typing import Annotated

import typer

from repscope.cli._options import Models, found, names_of
from repscope.cli.compare import SHOWN
from repscope.errors import WrongUsage

GIVEN = "Folders and files of photos, and folders of saved reports; the bundled samples where no photo is given."


def serve(
    places: Annotated[list[str] | None, typer.Argument(metavar="PLACE", help=GIVEN, show_default=False)] = None,
    models: Models = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8760,
    host: Annotated[
        str,
        typer.Option("--host", help="Address to listen on; another than this machine's own wants the token printed."),
    ] = "127.0.0.1",
    reports: Annotated[Path, typer.Option("--reports", help="Folder in which reports are saved.")] = Path("reports"),
) -> None:
    """Ask from a page in the browser.

    Choose photos and encoders, run inspect and compare with progress, point at patches, save
    reports and look at saved ones. It listens on this machine only, unless --host says more.
    """
    saved, photos = sorted_places(places or [])
    given = found(photos, strict=False) if photos else []
    names = tuple(dict.fromkeys(names_of(models))) or SHOWN
    from repscope.encoders.load import sought

    for name in names:
        sought(name)
    from repscope.web.serve import listening, run

    with listening(host, port) as socket:
        run(socket, host, given, names, saved, reports)


def sorted_places(places: list[str]) -> tuple[list[Path], list[str]]:
    """Saved reports, and everything else, which must be photos; a folder may hold both."""
    from repscope.images import Skipped
    from repscope.images.sources import sources

    saved, photos = list[Path](), list[str]()
    for place in places:
        path = Path(place)
        if path.name == "report.json" and path.is_file():
            saved.append(path.parent)
        elif path.is_dir() and ((path / "report.json").is_file() or any(path.glob("*/report.json"))):
            saved.append(path)
            if not all(isinstance(each, Skipped) for each in sources([place])):
                photos.append(place)
        else:
            photos.append(place)
    if "" in photos:
        raise WrongUsage("A place is a folder or file; got an empty name.")
    return saved, photos
