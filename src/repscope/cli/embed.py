"""repscope embed"""

from enum import StrEnum
from typing import Annotated

import typer

from repscope.cli._options import FRAME, Batch, Fast, Frame, Models, Precision, Rounded, loaded, names_of, show
from repscope.cli._progress import Progress
from repscope.cli._sets import every
from repscope.errors import WrongUsage

STOPPED = 130

SOURCE = (
    "A folder of images (sub-folders are classes), Parquet, tar archives or a list (.txt, .csv); a path, or "
    "s3://bucket/folder."
)
KEEP = "Of cls, mean, patches, readings, moments, sample; all but patches where not given."


class Stored(StrEnum):
    """Precision of vectors in files."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"


class Engine(StrEnum):
    """Who encodes."""

    LOCAL = "local"
    RAY = "ray"


def embed(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)],
    folder: Annotated[str, typer.Option("-o", "--output", metavar="DIR", help="Where to: a folder, or s3://...")],
    models: Models = None,
    layers: Annotated[
        str,
        typer.Option("--layers", help="Such as 0,6,-1, or all. 0: the embedding, K: after block K, -1: output."),
    ] = "-1",
    keep: Annotated[str | None, typer.Option("--keep", help=KEEP)] = None,
    readings: Annotated[
        str | None, typer.Option("--readings", help="Readings of each image's patches, by the names of metrics.")
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Images whose patches are kept whole.")] = 64,
    frame: Annotated[Frame, typer.Option("--frame", help=FRAME)] = Frame.OFFICIAL,
    precision: Rounded = Precision.AUTO,
    store: Annotated[Stored, typer.Option("--store", help="Precision of vectors in files.")] = Stored.FLOAT32,
    batch: Batch = 8,
    fast: Fast = False,
    shard_size: Annotated[
        int, typer.Option("--shard-size", min=0, help="Images in one file; 0: 1024, or 64 with patches.")
    ] = 0,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="Do the I-th of N parts only; `merge` puts them together.")
    ] = "1/1",
    max_failures: Annotated[
        int | None, typer.Option("--max-failures", min=0, help="Give up after more images than this could not be read.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="That read and decode; all cores.")] = None,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Keep and use what encoders have said of the same images before.")
    ] = True,
    engine: Annotated[Engine, typer.Option("--engine", help="local, or ray: a pool of processes.")] = Engine.LOCAL,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Of the pool, with --engine ray.")] = 1,
    cpus_per_worker: Annotated[int, typer.Option("--cpus-per-worker", min=1, help="With --engine ray.")] = 1,
    gpus_per_worker: Annotated[
        float, typer.Option("--gpus-per-worker", min=0, help="With --engine ray; 0.5 puts two workers on one.")
    ] = 0,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold the images of what is done against what was embedded.")
    ] = False,
) -> None:
    """Embed a set of images, once: Parquet files that later questions open.

    One forward pass per image and encoder. What is done is not done again: after a crash, a full disk or
    Ctrl-C the same command goes on where it stopped, and ends with the same bytes.
    """
    names = names_of(models)
    if not names:
        raise WrongUsage("embed wants encoders; name them with -m a,b (see `repscope models`).")
    from repscope.images.sets import image_set

    images = image_set(source)
    encoders = loaded(names, precision)
    from repscope.extract.sets.asked import KEEP as ALL
    from repscope.extract.sets.asked import WITHIN
    from repscope.extract.sets.embed import embed as embedded

    try:
        with Progress("embedding") as progress:
            stored = embedded(
                images,
                encoders,
                folder,
                layers=every(encoders) if layers.strip() == "all" else _layers(layers),
                keep=names_of([keep]) if keep is not None else ALL,
                readings=names_of([readings]) if readings is not None else WITHIN,
                sample=sample,
                framing=frame.value,
                store=store.value,
                batch=batch,
                fast=fast,
                shard=shard_size,
                share=shard,
                max_failures=max_failures,
                threads=threads,
                verify=verify,
                cache=cache,
                engine=engine.value,
                workers=workers,
                cpus_per_worker=cpus_per_worker,
                gpus_per_worker=gpus_per_worker,
                progress=progress,
            )
    except KeyboardInterrupt:
        typer.echo(f"What is done is in {folder}; the same command goes on from there.", err=True)
        raise typer.Exit(STOPPED) from None
    if stored is None:
        typer.echo(f"Part {shard} is done. When all are: repscope merge {folder}", err=True)
        return
    from repscope.analyses.embedded import embedded as told

    show(told(stored))


def _layers(text: str) -> list[int]:
    """As given; raises WrongUsage for what is no number."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise WrongUsage(f"--layers wants numbers such as 0,6,-1, or all; got {text!r}.") from None


def merge(
    folders: Annotated[list[str], typer.Argument(metavar="DIR", help="Folders that `embed --shard` wrote into.")],
    into: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DIR", help="Where the whole goes; the one folder itself.")
    ] = None,
) -> None:
    """Put together what `embed --shard i/n` has done in several jobs."""
    from repscope.analyses.embedded import embedded as told
    from repscope.extract.sets.embed import merge as merged

    show(told(merged(folders, into)))
