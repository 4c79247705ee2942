"""Folder: the images below a folder; the sub-folder an image lies in is its class."""

import os.path

from repscope.images.sets.files import File, Files
from repscope.images.sets.place import Entry, Place
from repscope.images.sources import REPORT, SUFFIXES, natural


def folder(place: Place, entries: list[Entry]) -> Files:
    """Every image below, in natural order of their paths; hidden ones and those of saved reports aside.

    The label is the first folder below the given one; an image that lies in the given folder itself has none.
    """
    images = [entry for entry in entries if os.path.splitext(entry.name)[1].lower() in SUFFIXES]  # noqa: PTH122
    names = {entry.name for entry in entries}
    reports = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] in REPORT}
    reports = {where for where in reports if all("/".join(filter(None, (where, file))) in names for file in REPORT)}
    kept = [entry for entry in images if entry.name.rpartition("/")[0] not in reports]
    return Files(".", [_file(place, entry) for entry in sorted(kept, key=_order)])


def _order(entry: Entry) -> list[tuple[list[str | int], str]]:
    return [natural(part) for part in entry.name.split("/")]


def _file(place: Place, entry: Entry) -> File:
    label, inside, _ = entry.name.partition("/")
    odd = "it is a link to nothing" if entry.size < 0 else "it is a pipe or a device; give a file"
    trouble = "" if entry.regular else odd
    return File(entry.name, place.below(entry.name), label if inside else None, {}, entry.size, entry.changed, trouble)
