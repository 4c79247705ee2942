"""repscope compare"""

from typing import Annotated

import typer

from repscope.cli._ahead import DRAWN, MEASURED, ahead
from repscope.cli._options import (
    FRAME,
    Answer,
    Batch,
    Fast,
    Force,
    Formats,
    Frame,
    Layer,
    Models,
    Output,
    Photos,
    Precision,
    Queries,
    Rounded,
    Strict,
    found,
    loadable,
    names_of,
    points_of,
    told,
)
from repscope.cli._progress import Progress
from repscope.errors import WrongUsage

SHOWN = ("tiny-dino", "tiny-mae", "tiny-random")


def compare(
    photos: Photos = None,
    models: Models = None,
    frame: Annotated[Frame, typer.Option("--frame", help=FRAME)] = Frame.SQUARE,
    query: Queries = None,
    layer: Layer = -1,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="A pair measure shown only on request: linear_cka_biased.")
    ] = None,
    stability: Annotated[
        bool, typer.Option("--stability", help="Repeat it under choices that should not matter; grey what is smaller.")
    ] = False,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
    strict: Strict = False,
    precision: Rounded = Precision.AUTO,
    batch: Batch = 8,
    fast: Fast = False,
) -> None:
    """Compare encoders on the same photos.

    Readings side by side, similarities with nulls and intervals. Without -m the encoders that
    come with the package are compared; no network is needed.
    """
    answer, names = Answer(output, formats, force), names_of(models) or list(SHOWN)
    if len(names) == 1:
        raise WrongUsage(f"compare wants two encoders or more; got {names[0]}. Name them with -m a,b, or use inspect.")
    queries = points_of(query)
    given = found(photos, strict)
    encoders, failed = loadable(names, len(names) if strict else 2, precision, waiting=False)
    ahead(*MEASURED, *(DRAWN if answer.output else ()), after=encoders[0])
    from repscope.analyses.compare import compare as compared

    with Progress("comparing") as progress:
        report = compared(
            given,
            encoders,
            framing=frame.value,
            layer=layer,
            queries=queries,
            also=names_of(also),
            failed=failed,
            strict=strict,
            batch=batch,
            fast=fast,
            stability=stability,
            progress=progress,
        )
    told(encoders)
    answer.show(report)
