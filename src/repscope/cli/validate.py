"""repscope validate"""

from pathlib import Path
from typing import Annotated

import typer

from repscope.cli._options import Answer, Force, Formats, Models, Output, names_of
from repscope.cli._progress import Progress

CHECKS = "Which checks: files, layout, preprocessing, published, ... Repeatable, or a,b,c; all where none is given."
PICTURE = "A copy of the COCO picture 000000039769 (PNG) that outputs were published for, where there is no network."
FAILED = 1


def validate(
    models: Models = None,
    checks: Annotated[list[str] | None, typer.Option("--check", help=CHECKS, show_default=False)] = None,
    picture: Annotated[Path | None, typer.Option("--picture", metavar="FILE", help=PICTURE)] = None,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
) -> None:
    """Can what an encoder says be trusted, here and now?

    Per encoder and check: verified now, failed, or could not be checked, because of what. The exit code is 0 only if
    all that could be checked passed. Without -m, the encoders that come with the package.
    """
    answer = Answer(output, formats, force)
    from repscope.analyses.validate import passed
    from repscope.analyses.validate import validate as validated

    with Progress("validating") as progress:
        report = validated(names_of(models), picture, progress, names_of(checks) or None)
    answer.show(report)
    if not passed(report):
        raise typer.Exit(FAILED)
