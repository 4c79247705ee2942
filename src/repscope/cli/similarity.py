"""repscope similarity"""

from typing import Annotated

import typer

from repscope.cli._options import Fast, Force, Formats, Frame, Output, Precision, Rounded, names_of
from repscope.cli._sets import Batch, Framed, Layer, Models, Pool, Seed, Source, asking, every


def similarity(
    source: Source,
    models: Models = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="All layers against all layers too, as far as they were kept.")
    ] = False,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="A pair measure shown only on request: linear_cka_biased.")
    ] = None,
    pool: Pool = None,
    layer: Layer = -1,
    frame: Framed = Frame.OFFICIAL,
    precision: Rounded = Precision.AUTO,
    batch: Batch = 8,
    fast: Fast = False,
    seed: Seed = 0,
    output: Output = None,
    formats: Formats = None,
    force: Force = False,
) -> None:
    """Do encoders arrange a set of images alike?

    Every pair measure over embeddings and patches, with nulls and intervals; with --layers all layers
    against all layers.
    """
    with asking(
        source,
        models,
        label="comparing",
        to=(output, formats, force),
        shown=(frame, precision, batch, fast),
        layers=every if layers else [layer],
    ) as asked:
        from repscope.analyses.similarity import similarity as compared

        report = compared(
            asked.images,
            asked.names,
            pool=pool,
            layer=layer,
            layers=layers,
            also=names_of(also),
            seed=seed,
            progress=asked.progress,
        )
        asked.show(report)
