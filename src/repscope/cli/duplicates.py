"""repscope duplicates"""

from typing import Annotated

import typer

from repscope.cli._options import Fast, Force, Formats, Frame, Output, Precision, Rounded, names_of
from repscope.cli._sets import Batch, Framed, Layer, Models, Pool, Source, asking, beside, column
from repscope.errors import WrongUsage


def duplicates(
    source: Source,
    models: Models = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", help="Cosine from which on two images are near; chosen from the set.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split", metavar="COLUMN", help="A column of the source (or folder, label): the part of each image."
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="SOURCE", help="Another set: what the two share is a leak.")
    ] = None,
    centred: Annotated[bool, typer.Option("--centred/--raw", help="Whether the mean embedding is taken off.")] = True,
    examples: Annotated[int, typer.Option("--examples", min=0, help="Pairs shown of each kind.")] = 4,
    pool: Pool = None,
    layer: Layer = -1,
    frame: Framed = Frame.OFFICIAL,
    precision: Rounded = Precision.AUTO,
    batch: Batch = 8,
    fast: Fast = False,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
) -> None:
    """Which images are the same, or nearly, and which cross a split?

    Copies byte for byte, groups of near-duplicates under one encoder, leaks between train and test.
    """
    if models is not None and len(names_of(models)) > 1:
        raise WrongUsage("duplicates wants one encoder: a threshold is of one. Name it with -m.")
    with (
        asking(
            source,
            models,
            label="searching",
            to=(output, formats, force),
            shown=(frame, precision, batch, fast),
            layers=[layer],
        ) as asked,
        beside(against, asked, (frame, precision, batch, fast), [layer]) as other,
    ):
        from repscope.analyses.duplicates import duplicates as found

        report = found(
            asked.images,
            asked.names[0],
            against=other,
            threshold=threshold,
            split=column(asked.images, split),
            pool=pool,
            layer=layer,
            centred=centred,
            examples=examples,
            progress=asked.progress,
        )
        asked.show(report)
