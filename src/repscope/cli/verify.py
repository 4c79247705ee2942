"""repscope verify"""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from repscope.cli._options import Answer, Force, Formats, Output
from repscope.cli._progress import Progress
from repscope.errors import UnfitData

if TYPE_CHECKING:
    from repscope.report import Report


def verify(
    report: Annotated[str, typer.Argument(metavar="REPORT", help="A saved report: its folder, or its report.json.")],
    at: Annotated[
        Path | None,
        typer.Option("--at", metavar="DIR", help="Where to run its command, if its paths begin elsewhere."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="REPORT", help="Another saved report to hold it against; nothing is run."),
    ] = None,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
) -> None:
    """Run the recipe of a saved report again and say what differs.

    Inputs first, then every number. Exit code 0 where nothing differs beyond rounding, 1 otherwise.
    """
    answer = Answer(output, formats, force)
    from repscope.render._open import saved

    then = saved(report)
    now = saved(against) if against else _again(then, at)
    from repscope.analyses.verify import verify as compared

    found = compared(then, now, ran=not against)
    answer.show(found, typed=True)
    if found.provenance["beyond rounding"]:
        raise typer.Exit(1)


def _again(then: "Report", at: Path | None) -> "Report":
    """The report that its command makes now.

    In a process of its own: it is the command a person would run, with nothing of this process in it, and what a
    hostile input does to it, running out of memory included, is told and not suffered.
    """
    from repscope.cli._recipe import recipe_of
    from repscope.render._open import saved
    from repscope.render._wording import legible
    from repscope.render.json import from_json

    recipe = recipe_of(then.provenance.get("command"))
    shown = legible(shlex.join(["repscope", *recipe.words]))
    typer.echo(f"Running again: {shown}", err=True)
    with TemporaryDirectory(prefix="repscope-") as aside, Progress("running again"):
        to = ["--format=json", *([f"--output={aside}/again"] if recipe.saves else [])]
        # -P: no file of the folder it runs in is taken for a module
        words = [sys.executable, "-P", "-m", "repscope", recipe.words[0], *to, *recipe.words[1:]]
        try:
            # offline: a stranger's report fetches nothing; what it needs is here, or `models --download` gets it
            surroundings = {**os.environ, "HF_HUB_OFFLINE": "1"}
            ran = subprocess.run(
                words, cwd=at, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=surroundings
            )
        except (OSError, ValueError) as error:  # ValueError: a word that no command line can hold
            raise UnfitData(f"The report's command cannot be run in {at or '.'} ({error}): {shown:.400}.") from None
        if ran.returncode:
            said = ran.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
            raise UnfitData(
                f"The report cannot be made again. {shown} ends with {ran.returncode} and says: {said[-1][:600]}"
            )
        return saved(f"{aside}/again") if recipe.saves else from_json(ran.stdout.decode("utf-8", "replace"))
