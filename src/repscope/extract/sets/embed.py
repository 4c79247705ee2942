"""embed: every image of a source under every encoder, once, written so that it can be opened and asked."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from repscope.encoders import Encoder, load
from repscope.encoders.encoder import Framing
from repscope.errors import UnfitData, UnknownName, WrongUsage
from repscope.extract.sets.asked import BATCH, KEEP, SAMPLE, WITHIN, Asked
from repscope.extract.sets.plan import Share
from repscope.extract.sets.run import Progress, Run, begun, carried_on
from repscope.images.pace import paced
from repscope.images.sets import ImageSet, image_set, place
from repscope.places import cache as known
from repscope.store.cache import Cache
from repscope.store.job_folder import JobFolder
from repscope.store.stored import Stored, opened
from repscope.threads import decoding

if TYPE_CHECKING:
    from repscope.images.sets.place import Place


def embed(
    source: Any,
    encoders: str | Sequence[Encoder | str],
    folder: "str | os.PathLike[str]",
    *,
    layers: Sequence[int] = (-1,),
    keep: Sequence[str] = KEEP,
    readings: Sequence[str] = WITHIN,
    sample: int = SAMPLE,
    framing: Framing = "official",
    batch: int = BATCH,
    fast: bool = False,
    shard: int = 0,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    store: Literal["float32", "float16"] = "float32",
    share: str = "1/1",
    max_failures: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    verify: bool = False,
    cache: bool = True,
    engine: Literal["local", "ray"] = "local",
    workers: int = 1,
    cpus_per_worker: int = 1,
    gpus_per_worker: float = 0,
) -> Stored | None:
    """Every image under every encoder, written into a folder; what is there already is not done again.

    The folder holds Parquet files with a row per image (id, source, label, SHA-256, and of every encoder embeddings,
    frame and readings), the accumulators of the whole set, failed.csv and a manifest. The same call after a crash
    ends with the same bytes. Images that cannot be read are left out and listed.

    Args:
        source: A folder (its sub-folders are classes), Parquet in the Hugging Face image layout, tar archives, a list
            (.txt, .csv), or paths; on this machine or in a store such as s3://.
        encoders: Encoders, or names of them.
        folder: Where to, on this machine or in a store.
        layers: 0 the embedding, k after block k, -1 the output.
        keep: Parts of what is said: `cls`, `mean`, `patches`, `readings`, `moments`, `sample`.
        readings: Of each image's patches.
        sample: Images whose patches are kept whole.
        framing: `official`, each encoder's published transform, or `square`, the same central square for all.
        batch: Images in one forward pass.
        fast: Decode and scale images in about half the time, at most two grey levels off; wants simplejpeg.
        shard: Images in one file, 1024 (64 with patches) where not given.
        precision: Of the matrix products of encoders that are given by name; see `repscope.load`.
        store: Precision of vectors in files.
        share: "i/n" does the i-th of n parts of the work; `merge` finishes it.
        max_failures: Images that may fail before it is given up.
        threads: That read and decode; one for each core where not given.
        progress: Called with how many images were looked at, and of how many.
        cache: Keep in the user's cache what encoders say, and take from it what they have said of the same bytes.
        engine: `local`, this process, or `ray`, an actor pool: on this machine, or on the cluster at RAY_ADDRESS.
        workers, cpus_per_worker, gpus_per_worker: Of the pool.
        verify: Read images of earlier runs again, and hold their contents against what was embedded.

    Returns the set, opened; None for a share of it.

    Raises NoImages, UnfitData and WrongUsage for a source or options that do not fit, Unwritable where the folder
    holds another job or cannot be written. Ctrl-C ends it after the shard it is at.
    """
    asked = Asked(
        layers=tuple(layers),
        keep=tuple(keep),
        readings=tuple(readings),
        sample=sample,
        framing=framing,
        batch=batch,
        shard=shard,
        store=store,
        pace=paced(fast),
    )
    images = source if isinstance(source, ImageSet) else image_set(source)
    given = [encoders] if isinstance(encoders, str) else encoders
    looked = [load(each, precision) if isinstance(each, str) else each for each in given]
    if engine not in ("local", "ray"):
        raise UnknownName("engine", engine, ("local", "ray"))
    if threads is not None and threads < 1:
        raise WrongUsage(f"Reading and decoding want 1 thread or more; got {threads}.")
    part = Share.read(share)
    pool = _pool(looked, workers, cpus_per_worker, gpus_per_worker) if engine == "ray" else None
    files = JobFolder(place(folder))
    job = begun(images, looked, files, asked)
    run = Run(
        job,
        files,
        share=part,
        threads=threads or max(decoding(), 2),
        max_failures=max_failures,
        progress=progress,
        cache=Cache(_cache(images) if cache and "patches" not in asked.keep else None),
    )
    if not carried_on(run, pool, verify=verify) or run.share.n > 1:
        return None
    files.finish()
    return opened(files.place)


def _pool(encoders: Sequence[Any], workers: int, cpus: int, gpus: float) -> Any:
    from repscope.extract.sets.ray import Pool, sent

    if min(workers, cpus) < 1 or gpus < 0:
        raise WrongUsage("A pool has 1 worker or more, of 1 CPU or more, and no fewer than 0 GPUs.")
    return Pool(workers, cpus, gpus, tuple(map(sent, encoders)))


def _cache(images: ImageSet) -> Path | None:
    """Where embeddings are kept; nowhere for images in a store, which would have to be fetched to be told apart."""
    where = known()
    return where / "sets" if where is not None and "://" not in images.source else None


def merge(folders: "Sequence[str | os.PathLike[str]]", into: "str | os.PathLike[str] | None" = None) -> Stored:
    """One set of the shares that several jobs have done.

    Args:
        folders: Where they wrote: one folder that all of them shared, or one each.
        into: Where the whole goes; the one folder itself where not given.

    Raises UnfitData where shards are missing or a folder is of something else, Unwritable where the folders are of
    different jobs or cannot be written.
    """
    if not folders:
        raise WrongUsage("Name the folders that `embed --shard` wrote into.")
    parts = [JobFolder(place(folder)).read() for folder in folders]
    if into is None and len(parts) != 1:
        raise UnfitData(f"{len(parts)} folders want one to be merged into; name it with -o.")
    whole = parts[0] if into is None else JobFolder(place(into))
    if into is not None:
        whole.begin(parts[0].job)
        for part in parts:
            whole.begin(part.job)
            _copied(part, whole)
    whole.finish()
    return opened(whole.place)


def _copied(part: JobFolder, whole: JobFolder) -> None:
    """The shards of one folder into another, those aside that are there."""
    there = whole.done()
    for name, entry in part.done().items():
        if name not in there:
            for file in (f"states/{name}.safetensors", entry["file"]):
                whole.write(file, _read(part.place.below(file)))
            whole.note(name, entry)


def _read(where: "Place") -> bytes:
    try:
        return where.read()
    except FileNotFoundError:
        raise UnfitData(f"{where} is not there: a job that is finished cannot be merged again.") from None
