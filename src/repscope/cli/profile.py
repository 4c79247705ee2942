"""repscope profile"""

from repscope.cli._options import Fast, Force, Formats, Frame, Output, Precision, Rounded
from repscope.cli._sets import Batch, Framed, Layer, Models, Pool, Seed, Source, asking


def profile(
    source: Source,
    models: Models = None,
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
    """What is the space of an encoder like, over a set of images?

    Readings of embeddings and patches, position against content, long tokens, and the extreme images.
    """
    with asking(
        source,
        models,
        label="profiling",
        to=(output, formats, force),
        shown=(frame, precision, batch, fast),
        layers=[layer],
    ) as asked:
        from repscope.analyses.profile import profile as profiled

        report = profiled(asked.images, asked.names, pool=pool, layer=layer, seed=seed, progress=asked.progress)
        asked.show(report)
