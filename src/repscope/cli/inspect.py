"""repscope inspect"""

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
    loaded,
    names_of,
    points_of,
)
from repscope.cli._progress import Progress
from repscope.errors import WrongUsage

SHOWN = "tiny-mae"


def inspect(
    photos: Photos = None,
    models: Models = None,
    layers: Annotated[bool, typer.Option("--layers", help="Also readings after every block.")] = False,
    query: Queries = None,
    layer: Layer = -1,
    frame: Annotated[Frame, typer.Option("--frame", help=FRAME)] = Frame.OFFICIAL,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
    strict: Strict = False,
    precision: Rounded = Precision.AUTO,
    batch: Batch = 8,
    fast: Fast = False,
) -> None:
    """Look into one encoder.

    All readings, its spectrum, patch norms, CLS token, and what its patches look like. Without -m
    it is an encoder that comes with the package; no network is needed.
    """
    answer, names = Answer(output, formats, force), names_of(models) or [SHOWN]
    if len(names) > 1:
        raise WrongUsage(f"inspect looks into one encoder; got {', '.join(names)}. Use compare for several.")
    queries = points_of(query)
    given = found(photos, strict)
    (encoder,) = loaded(names, precision)
    ahead(*MEASURED, *(DRAWN if answer.output else ()))
    from repscope.analyses.inspect import inspect as inspected

    with Progress("inspecting") as progress:
        report = inspected(
            given,
            encoder,
            layers=layers,
            queries=queries,
            layer=layer,
            framing=frame.value,
            strict=strict,
            batch=batch,
            fast=fast,
            progress=progress,
        )
    answer.show(report)
