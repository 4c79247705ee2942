"""Command line: parse, call, show; nothing is computed here."""

import sys

import typer

from repscope.cli import (
    bench,
    compare,
    doctor,
    drift,
    duplicates,
    embed,
    evaluate,
    experiment,
    inspect,
    map,  # noqa: A004
    metrics,
    models,
    neighbors,
    pretrain,
    profile,
    schema,
    serve,
    similarity,
    tui,
    validate,
    verify,
)
from repscope.errors import RepscopeError, UnknownName, WrongUsage

STOPPED = 130

app = typer.Typer(
    name="repscope",
    help="Look inside self-supervised vision encoders, and compare them with measurements that hold.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    inspect.inspect,
    compare.compare,
    drift.drift,
    embed.embed,
    embed.merge,
    profile.profile,
    similarity.similarity,
    neighbors.neighbors,
    evaluate.evaluate,
    map.map,
    duplicates.duplicates,
    verify.verify,
    models.models,
    validate.validate,
    metrics.metrics,
    doctor.doctor,
    bench.bench,
    pretrain.pretrain,
    experiment.experiment,
    schema.schema,
    serve.serve,
    tui.tui,
):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        from repscope import __version__

        typer.echo(f"repscope {__version__}")
        raise typer.Exit


@app.callback()
def _options(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True)) -> None:
    pass


def main() -> None:
    """The command: exit code 0, 1 for a failed run, 2 for wrong usage; a bug shows its traceback."""
    try:
        app()
    except RepscopeError as error:
        sys.stderr.write(f"repscope: {_legible(str(error))}\n")
        sys.exit(2 if isinstance(error, (WrongUsage, UnknownName)) else 1)
    except RuntimeError as error:  # Python's own, around a Ctrl-C while a class was being made
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        sys.stderr.write("repscope: stopped.\n")
        sys.exit(STOPPED)
    except SystemExit as end:
        if end.code == STOPPED:  # typer has caught the Ctrl-C, and says nothing
            sys.stderr.write("repscope: stopped.\n")
        raise


def _legible(message: str) -> str:
    """What a file name may hold, but a terminal should not be sent, is escaped."""
    encoding = sys.stderr.encoding or "utf-8"
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
    return shown.encode(encoding, "backslashreplace").decode(encoding)
