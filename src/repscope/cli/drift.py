"""repscope drift"""

from typing import Annotated

import typer

from repscope.cli._options import FRAME, PHOTOS, Answer, Batch, Force, Formats, Frame, Output, Strict, found
from repscope.cli._progress import Progress

CHECKPOINTS = "Folders of checkpoints (a run of the lab, or any), files (.safetensors, .onnx), or names; two or more."


def drift(
    checkpoints: Annotated[list[str], typer.Argument(metavar="CHECKPOINT", help=CHECKPOINTS, show_default=False)],
    data: Annotated[
        list[str] | None, typer.Option("--data", metavar="PATH", help=f"{PHOTOS} Repeatable.", show_default=False)
    ] = None,
    frame: Annotated[Frame, typer.Option("--frame", help=FRAME)] = Frame.OFFICIAL,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
    strict: Strict = False,
    batch: Batch = 8,
) -> None:
    """What changed from checkpoint to checkpoint of one run?

    Similarity of each to the one before and to the last, readings over time, and the largest shift.
    Checkpoints are put in natural order, step-2 before step-10, in whatever order they are given.
    """
    answer = Answer(output, formats, force)
    given = found(data, strict)
    from repscope.analyses.drift import drift as drifted

    with Progress("drifting") as progress:
        report = drifted(given, checkpoints, framing=frame.value, strict=strict, batch=batch, progress=progress)
    answer.show(report)
