"""repscope neighbors"""

from typing import Annotated

import typer

from repscope.cli._options import Fast, Force, Formats, Frame, Output, Precision, Rounded
from repscope.cli._sets import Batch, Framed, Layer, Models, Pool, Seed, Source, asking


def neighbors(
    source: Source,
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="An image file, or the id of an image of the set.")],
    models: Models = None,
    k: Annotated[int, typer.Option("--k", min=1, help="Neighbours of each encoder.")] = 10,
    centred: Annotated[bool, typer.Option("--centred", help="Take the mean of the set off first.")] = False,
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
    """Which images of a set are nearest to a photo, under each encoder?

    Exact, by cosine; images that several encoders have are marked.
    """
    with asking(
        source,
        models,
        label="searching",
        to=(output, formats, force),
        shown=(frame, precision, batch, fast),
        layers=[layer],
    ) as asked:
        from repscope.analyses._source import sought_photo, vectors
        from repscope.analyses.neighbors import neighbors as sought

        query = sought_photo(asked.images, photo)
        queries = None if isinstance(query, str) else vectors(asked.images, query, asked.names, pool, layer)
        report = sought(
            asked.images,
            query,
            asked.names,
            k=k,
            queries=queries,
            pool=pool,
            layer=layer,
            centred=centred,
            seed=seed,
            progress=asked.progress,
        )
        asked.show(report)
