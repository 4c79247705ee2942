"""Sets: many images, told without being read; one file for each kind of source.

A set is a folder (its sub-folders are classes), Parquet in the Hugging Face image layout, tar archives
(WebDataset), or a list (text, or CSV with a column `path`); on this machine or in a store such as s3://.
"""

import os
from collections.abc import Sequence
from typing import Any

from repscope.errors import NoImages, UnfitData, WrongUsage
from repscope.images.sets.folder import folder
from repscope.images.sets.image_set import ImageSet, Item, Part
from repscope.images.sets.listing import listed, listing
from repscope.images.sets.parquet import Parquet
from repscope.images.sets.place import Entry, Local, Place, place
from repscope.images.sets.tar import Tar
from repscope.images.sources import SUFFIXES, natural

__all__ = ["ImageSet", "Item", "Part", "Place", "image_set", "place"]

KINDS = "a folder of images, Parquet or tar files; such a file; or a list of paths (.txt, .csv)"
HOLDERS = {".parquet": Parquet, ".tar": Tar}
LISTS = (".txt", ".csv", ".tsv", ".lst")


def image_set(given: "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]") -> ImageSet:
    """The images at a place, or of these paths, listed but not read.

    Raises NoImages where there are none, UnfitData for a file of another kind, WrongUsage for nothing at all.
    """
    if not isinstance(given, str | os.PathLike):
        paths = _paths(given)
        if len(paths) != 1:
            return _some(ImageSet(f"{len(paths)} files", "", (listed("paths", paths),)))
        given = paths[0]
    text = os.fspath(given)
    if not text:
        raise WrongUsage(f"A source is {KINDS}; the path is empty.")
    where = place(text)
    given = str(where.path.absolute()) if isinstance(where, Local) else text  # found again from another folder
    try:
        return _found(given, where)
    except OSError as error:
        if isinstance(error, PermissionError) or error.strerror:
            raise UnfitData(
                f"{error.filename or text} cannot be read: {error.strerror}; mend it, or who may read it."
            ) from None
        raise


def _paths(given: Any) -> list[str]:
    try:
        paths = [os.fspath(path) for path in given]
    except TypeError:
        paths = [None]
    if not all(isinstance(path, str) for path in paths):
        raise WrongUsage(f"A source is {KINDS}; or several paths. Got {type(given).__name__}.")
    return [str(path) for path in paths]


def _found(given: str, where: Place) -> ImageSet:
    kind = where.kind()
    if kind == "nothing":
        raise NoImages(f"There is no {where}; a source is {KINDS}.")
    if kind == "folder":
        return _some(_in_folder(given, where, where.entries()))
    suffix = os.path.splitext(where.name)[1].lower()  # noqa: PTH122
    if kind == "file" and suffix in HOLDERS:
        return _some(_held(given, where.name, [(where, where.name)], suffix))
    if kind == "file" and suffix in LISTS:
        files, columns = listing(where)
        return _some(ImageSet(where.name, given, (files,), columns))
    if kind == "file" and suffix in SUFFIXES:
        return ImageSet(where.name, given, (listed("paths", [given]),))
    raise UnfitData(f"{where} is no source of images: that is {KINDS}.")


def _in_folder(given: str, where: Place, entries: list[Entry]) -> ImageSet:
    embedded = {entry.name.rpartition("/")[0] for entry in entries if entry.name.rpartition("/")[2] == "job.json"}
    entries = [entry for entry in entries if not any(entry.name.startswith(f"{each}/") for each in embedded)]
    held = {suffix: [e.name for e in entries if e.name.lower().endswith(suffix)] for suffix in HOLDERS}
    images = folder(where, entries)
    kinds = [*(names[0] for names in held.values() if names), *(file.id for file in images.files[:1])]
    if len(kinds) > 1:
        raise UnfitData(f"{where} holds images of several kinds ({', '.join(kinds)}); give each kind by itself.")
    for suffix, names in held.items():
        if names:
            return _held(given, where.name, [(where.below(each), each) for each in sorted(names, key=natural)], suffix)
    return ImageSet(where.name, given, (images,))


def _held(given: str, name: str, files: list[tuple[Place, str]], suffix: str) -> ImageSet:
    parts = [HOLDERS[suffix](where, inside) for where, inside in files]
    columns = parts[0].columns if isinstance(parts[0], Parquet) else ()
    for part in parts:
        if isinstance(part, Parquet) and part.columns != columns:
            raise UnfitData(
                f"{part.place} has the columns {', '.join(part.columns) or 'none'} beside image and label, and "
                f"{parts[0].place} {', '.join(columns) or 'none'}; give files of one layout."
            )
    return ImageSet(name, given, tuple(parts), columns)


def _some(images: ImageSet) -> ImageSet:
    kept = ImageSet(images.name, images.source, tuple(part for part in images.parts if len(part)), images.columns)
    if not kept.parts:
        raise NoImages(f"There is no image in {images.source or 'an empty list'}; a source is {KINDS}.")
    return kept
