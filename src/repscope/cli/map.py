"""repscope map"""

from enum import StrEnum
from typing import Annotated

import typer

from repscope.cli._options import Fast, Force, Formats, Frame, Output, Precision, Rounded
from repscope.cli._sets import Batch, Framed, Layer, Models, Pool, Seed, Source, asking


class Way(StrEnum):
    """How the dots are placed."""

    TSNE = "tsne"
    UMAP = "umap"
    PCA = "pca"


def map(  # noqa: A001
    source: Source,
    models: Models = None,
    method: Annotated[Way, typer.Option("--method", help="How the dots are placed.")] = Way.TSNE,
    colour: Annotated[
        str | None,
        typer.Option("--colour", help="What colours show first: label, overlap, or a reading such as token_norm."),
    ] = None,
    perplexity: Annotated[float, typer.Option("--perplexity", help="Of t-SNE: neighbours that pull.")] = 30,
    k: Annotated[int, typer.Option("--k", min=1, help="Neighbours shown and compared.")] = 10,
    most: Annotated[int, typer.Option("--most", min=4, help="Images on the map, at most.")] = 10_000,
    thumbnails: Annotated[
        int, typer.Option("--thumbnails", min=0, help="Bytes of small pictures, at most.")
    ] = 3_000_000,
    atlas: Annotated[
        str | None, typer.Option("--atlas", metavar="FILE", help="Write a Parquet file for Embedding Atlas.")
    ] = None,
    tensorboard: Annotated[
        str | None, typer.Option("--tensorboard", metavar="DIR", help="Write a folder for TensorBoard's projector.")
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
    """Where does each encoder put the images of a set? A map of dots, one for each, side by side.

    t-SNE, UMAP or two components, with how much of the neighbourhoods each map keeps; on the page one
    lasso selects in all of them.
    """
    with asking(
        source,
        models,
        label="mapping",
        to=(output, formats, force),
        shown=(frame, precision, batch, fast),
        layers=[layer],
    ) as asked:
        from repscope.analyses.map import map as mapped

        report = mapped(
            asked.images,
            asked.names,
            method=method.value,
            layer=layer,
            pool=pool,
            perplexity=perplexity,
            colour=colour,
            k=k,
            seed=seed,
            most=most,
            thumbs=thumbnails,
            progress=asked.progress,
        )
        if atlas is not None:
            from repscope.analyses._embedding_atlas import embedding_atlas

            embedding_atlas(report, atlas)
        if tensorboard is not None:
            from repscope.analyses._tensorboard import tensorboard as projected

            projected(asked.images, report, tensorboard)
        asked.show(report)
