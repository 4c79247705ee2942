"""repscope evaluate"""

from typing import Annotated

import typer

from repscope.cli._options import Fast, Force, Formats, Frame, Output, Precision, Rounded, names_of
from repscope.cli._sets import Batch, Framed, Layer, Models, Pool, Seed, Source, asking, beside, column
from repscope.errors import WrongUsage

GROUP = "A column of the source (patient, video; or folder, label): whole groups are held out together."
SPLIT = "A column of the source: images of which it says train are learnt from, the others are named."


def evaluate(
    source: Source,
    models: Models = None,
    k: Annotated[str, typer.Option("--k", help="Neighbours at which precision is given.")] = "1,5,10,20",
    group: Annotated[str | None, typer.Option("--group", metavar="COLUMN", help=GROUP)] = None,
    split: Annotated[str | None, typer.Option("--split", metavar="COLUMN", help=SPLIT)] = None,
    train: Annotated[
        str | None, typer.Option("--train", metavar="SOURCE", help="Another set, to be learnt from.")
    ] = None,
    queries: Annotated[int, typer.Option("--queries", min=0, help="Images whose nearest are shown.")] = 10,
    maps: Annotated[str, typer.Option("--maps", help="Of pca, tsne, umap; none for no map.")] = "pca,tsne",
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
    """How well do embeddings tell classes apart? k-NN, precision at k, silhouette, probe, few shots, maps.

    Every number with its interval, every difference of two encoders on the same images. With -o the
    folder has metrics.json beside the report.
    """
    if train is not None and split is not None:
        raise WrongUsage("--train and --split both say what is learnt from; give one.")
    ks, methods = _whole(k), [name for name in names_of([maps]) if name != "none"]
    with (
        asking(
            source,
            models,
            label="evaluating",
            to=(output, formats, force),
            shown=(frame, precision, batch, fast),
            layers=[layer],
        ) as asked,
        beside(train, asked, (frame, precision, batch, fast), [layer]) as other,
    ):
        from repscope.analyses.evaluate import evaluate as evaluated

        parts = column(asked.images, split)
        report = evaluated(
            asked.images,
            asked.names,
            k=ks,
            group=column(asked.images, group),
            train=other if parts is None else [part == "train" for part in parts],
            queries=queries,
            maps=methods,  # pyright: ignore[reportArgumentType]
            pool=pool,
            layer=layer,
            seed=seed,
            progress=asked.progress,
        )
        asked.show(report)


def _whole(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise WrongUsage(f"--k wants whole numbers such as 1,5,10; got {text!r}.") from None
