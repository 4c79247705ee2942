"""embedded: what is there of a set of images, and what may be asked of it?"""

from itertools import islice

from repscope.report import Block, Note, Report, Table
from repscope.store import Stored

SHOWN = 5


def embedded(images: Stored) -> Report:
    """What `embed` has written: how many images, what of which encoder, and which images are missing."""
    encoders = Table(
        "Encoders",
        ("encoder", "layers", "kept", "width", "precision"),
        tuple(_encoder(images, name) for name in images.encoders),
    )
    questions = "profile, similarity, evaluate, neighbors, map, duplicates"
    asking = Note(f"What may be asked of {images.folder}: {questions}.")
    blocks: list[Block] = [_counts(images), encoders, *_missing(images), *_classes(images), asking]
    title = f"{', '.join(images.encoders)}: {len(images):,} images of {images.name}"
    return Report(title, tuple(blocks), {"set": images.origin})


def _counts(images: Stored) -> Table:
    manifest = images.manifest
    rows = (
        ("images", f"{manifest['rows']:,} of {manifest['images']:,}"),
        ("could not be read", f"{manifest['failed']:,}"),
        ("files", f"{len(manifest['shards']):,} in {images.folder}/shards"),
        ("size", f"{sum(each['bytes'] for each in manifest['files'].values()) / 1e6:,.1f} MB"),
    )
    return Table("The set", ("", ""), rows)


def _encoder(images: Stored, name: str) -> tuple[str, ...]:
    job = images.files.job
    about = next(each for each in job["encoders"] if each["column"] == name)
    kept = [*about["pools"], *(part for part in job["keep"] if part not in ("cls", "mean"))]
    width = str(about["contract"]["architecture"]["width"])
    return name, ", ".join(map(str, job["layers"])), ", ".join(kept), width, about["precision"]


def _missing(images: Stored) -> list[Note]:
    if not images.manifest["failed"]:
        return []
    some = [f"{each['source']}: {each['reason']}" for each in islice(images.files.failures(), SHOWN)]
    more = images.manifest["failed"] - len(some)
    told = " ".join(some) + (f" And {more} more." if more else "")
    return [Note(f"Could not be read (all are in failed.csv): {told}", "warning")]


def _classes(images: Stored) -> list[Note]:
    labels = images.labels
    if labels is None:
        return []
    known = [label for label in labels if label is not None]
    classes = sorted(set(known))
    named = ", ".join([*classes[:SHOWN], *(["..."] if len(classes) > SHOWN else [])])
    less = f"; {len(labels) - len(known)} images have no label" if len(known) < len(labels) else ""
    return [Note(f"{len(classes)} classes ({named}){less}.")]
