"""Options that commands share, and how their answers are shown."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from repscope.errors import RepscopeError, UnknownName, Unwritable, WrongUsage

if TYPE_CHECKING:
    from repscope.encoders import Encoder
    from repscope.report import Report


class Frame(StrEnum):
    """Which part of a photo an encoder is shown."""

    SQUARE = "square"
    OFFICIAL = "official"


class Medium(StrEnum):
    """How a listing is printed."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


class Precision(StrEnum):
    """Of an encoder's matrix products."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


FOLDER = Path("report")
"""Where files go that were asked for without a folder."""

PHOTOS = "Files and folders; the bundled samples where none is given."
MODELS = "Encoders: a name (see `repscope models`), NAME@DIR for a local copy, or a folder. Repeatable, or a,b,c."
PRECISION = "Of matrix products. auto: bfloat16 where it is fast here (see `repscope doctor`), off by some thousandths."
FRAME = "square: the same central square for all; official: each encoder's published transform."
FAST = "Decode and scale in about half the time, at most two grey levels off (extra `fast`)."


def _installed(fast: bool) -> bool:
    """The same; raises Unsupported, before any work, where what it wants is not installed."""
    if fast:
        from repscope.images.pace import paced

        paced(fast)
    return fast


Photos = Annotated[list[str] | None, typer.Argument(metavar="PHOTO", help=PHOTOS, show_default=False)]
Models = Annotated[list[str] | None, typer.Option("-m", "--model", "--models", help=MODELS, show_default=False)]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Folder for the report's files; `report` for PNG.")]
Formats = Annotated[str | None, typer.Option("--format", help="text, json, html, png, separated by commas.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier report in the folder.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail on the first photo that cannot be used.")]
Listing = Annotated[Medium, typer.Option("--format", help="text, json or html.")]
Queries = Annotated[
    list[str] | None,
    typer.Option("--query", metavar="X,Y", help="A place in fractions of the photo to compare all patches to."),
]
Layer = Annotated[int, typer.Option("--layer", min=-1, help="0: the embedding, K: after block K, -1: the output.")]
Rounded = Annotated[Precision, typer.Option("--precision", help=PRECISION)]
Fast = Annotated[bool, typer.Option("--fast", help=FAST, callback=_installed)]
Batch = Annotated[int, typer.Option("--batch", min=1, help="Photos in one forward pass.")]


def names_of(models: list[str] | None) -> list[str]:
    """Names as given, repeated or separated by commas; none where none was. Raises WrongUsage for "" and ","."""
    names = []
    for given in models or []:
        found = [name.strip() for name in given.split(",") if name.strip()]
        if not found:
            raise WrongUsage(f"names wants NAME or NAME,NAME; got {given!r}.")
        names += found
    return names


def points_of(queries: list[str] | None) -> list[tuple[float, float]]:
    """Places as given; raises WrongUsage for what is not two numbers."""
    points = []
    for text in queries or []:
        try:
            across, down = (float(part) for part in text.split(","))
        except ValueError:
            raise WrongUsage(f"--query wants two fractions such as 0.5,0.25; got {text!r}.") from None
        points.append((across, down))
    return points


class Answer:
    """Where a command's report goes: the terminal, a folder, or both. Wrong options are found before any work."""

    def __init__(self, output: Path | None, formats: str | None, force: bool):
        from repscope.render import media

        default = "text,json,html,png" if output else "text"
        asked = default if formats is None else formats
        self.formats = tuple(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))
        if not self.formats:
            raise WrongUsage("--format names no format; choose from text, json, html, png.")
        if unknown := [name for name in self.formats if name not in media]:
            raise WrongUsage(f"--format knows {', '.join(media)}; got {', '.join(unknown)}.")
        if output is None and (len(self.formats) > 1 or "png" in self.formats):
            output = FOLDER
        self.output, self.force = output, force
        if output is not None:
            from repscope.render._save import prepare

            prepare(output, force)

    def show(self, report: "Report", typed: bool = False) -> None:
        """Write the report where a folder was given, and print it; in this order, for a pipe may end early.

        Args:
            typed: Whether the report names what was typed as its command: where no analysis could put it together.
        """
        if typed:
            report = typed_as(report)
        written = report.save(self.output, self.formats, force=self.force) if self.output else ()
        show(report, "text" if self.output else self.formats[0])
        if report.skipped:
            many = f"{len(report.skipped)} inputs were" if len(report.skipped) > 1 else "1 input was"
            typer.echo(f"{many} skipped; the report says which and why.", err=True)
        if self.output is not None:
            typer.echo(f"Wrote {len(written)} files to {self.output}", err=True)


def typed_as(report: "Report") -> "Report":
    """The report, made with what was typed."""
    import shlex
    import sys
    from dataclasses import replace

    command = shlex.join(["repscope", *sys.argv[1:]])
    return replace(report, provenance={**report.provenance, "command": command})


def show(report: "Report", medium: str = "text") -> None:
    """A report on standard output: text as the terminal can show it, everything else in UTF-8."""
    import shutil
    import sys

    from repscope.render import media

    if sys.stdout is None:
        raise Unwritable("There is no standard output to print the report on; -o DIR writes it to a folder.")
    try:
        if medium == "text":
            width = shutil.get_terminal_size().columns
            sys.stdout.write(media["text"](report, width=width, colour=colours(), encoding=sys.stdout.encoding))
        else:
            sys.stdout.buffer.write(media[medium](report).encode())
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough
        raise
    except OSError as error:
        silence()
        raise Unwritable(f"The report cannot be printed ({error.strerror}); -o DIR writes it to a folder.") from None


def silence() -> None:
    """Nothing more goes to standard output, also not what Python writes there at its end."""
    import os
    import sys

    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - the name is a number of the system's
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def colours() -> Any:
    """How many colours standard output has, as rich finds them out; False where it has none."""
    import os
    import sys

    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return False
    from rich.console import Console

    return Console(file=sys.stdout).color_system or False


def found(photos: list[str] | None, strict: bool) -> list[str]:
    """The photos as given, once it is known that some are there: a mistyped path must not cost a download."""
    from repscope.images import Skipped, gather
    from repscope.images.sources import sources

    missing = [isinstance(each, Skipped) for each in sources(photos or ())]
    if all(missing) or (strict and any(missing)):
        gather(photos or (), strict=strict)  # and this says what is wrong with each
    return photos or []


def loaded(names: list[str], precision: Precision = Precision.AUTO) -> "list[Encoder]":
    """Encoders by name, with a word on standard error where loading takes over a second."""
    return loadable(names, len(names), precision)[0]


def loadable(
    names: list[str], least: int, precision: Precision = Precision.AUTO, waiting: bool = True
) -> "tuple[list[Encoder], list[tuple[str, str]]]":
    """Encoders by name, and those that cannot be loaded, with the reason.

    Without `waiting` weights are read while others look; what is wrong with them is raised by whoever asks them.
    Raises what went wrong where fewer than `least` are left, and for a name that nothing is called by.
    """
    from concurrent.futures import ThreadPoolExecutor

    from repscope.cli._progress import Progress
    from repscope.encoders.coming import coming
    from repscope.encoders.load import load

    encoders: list[Encoder] = []
    errors: list[tuple[str, RepscopeError]] = []
    thread = ThreadPoolExecutor(1, thread_name_prefix="weights")
    with Progress("loading") as progress:
        for done, name in enumerate(names):
            progress(done, len(names))
            try:
                before = encoders[-1] if encoders else None
                encoders.append(
                    load(name, precision.value) if waiting else coming(name, precision.value, thread, before)
                )
            except (UnknownName, WrongUsage):
                raise
            except RepscopeError as error:
                errors.append((name, error))
                if len(names) - len(errors) < least:
                    raise errors[0][1] from None
    for _, error in errors:
        typer.echo(f"repscope: {error}", err=True)
    return encoders, [(name, str(error)) for name, error in errors]


def told(encoders: "list[Encoder]") -> None:
    """A word on standard error for each encoder whose weights turned out to be none."""
    for encoder in encoders:
        if error := getattr(encoder, "error", None):
            typer.echo(f"repscope: {error}", err=True)
