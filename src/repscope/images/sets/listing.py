"""Listing: a text file with a path on every line, or a CSV with a column of paths."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from repscope.errors import UnfitData
from repscope.images.sets.files import File, Files
from repscope.images.sets.place import Local, Place, place
from repscope.images.unique import unique

PATHS = ("path", "image", "file", "filename", "file_name", "filepath", "image_path")
"""What the column of paths may be called; the first of them that is there is taken."""
LABELS = ("label", "class", "category", "target")


def listing(where: Place) -> tuple[Files, tuple[str, ...]]:
    """The images of a list, in its order, and the names of its further columns.

    Paths are taken from the folder of the list. Of a text file, lines that are empty or begin with # are left out.
    Raises UnfitData for a CSV without a column of paths, or ids that repeat.
    """
    try:
        text = where.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnfitData(
            f"{where} is no text in UTF-8; a list has a path on every line, or is a CSV with a header."
        ) from None
    if where.name.lower().endswith((".csv", ".tsv")):
        return _table(where, text)
    lines = [line.strip() for line in text.splitlines()]
    return listed(where.name, [line for line in lines if line and not line.startswith("#")], _folder(where)), ()


def listed(name: str, paths: Sequence[str], folder: Place | None = None) -> Files:
    """These paths, in this order; a path that comes twice is two images."""
    ids = unique([(path,) for path in paths])
    return Files(name, [File(key, _place(path, folder)) for key, path in zip(ids, paths, strict=True)])


def _table(where: Place, text: str) -> tuple[Files, tuple[str, ...]]:
    between = "\t" if where.name.lower().endswith(".tsv") else ","
    rows = csv.DictReader(io.StringIO(text, newline=None), delimiter=between)
    try:
        header, every = [name or "" for name in rows.fieldnames or ()], list(rows)
    except csv.Error as error:
        raise UnfitData(f"{where} cannot be read as a table: {error}. Look for a quote that is not closed.") from None
    path = _first(PATHS, header)
    if path is None:
        raise UnfitData(
            f"{where} has the columns {', '.join(header) or 'none'}; one must be called {' or '.join(PATHS[:4])}."
        )
    label = _first(LABELS, header)
    others = tuple(name for name in header if name and name not in (path, label, "id"))
    read = [row for row in every if row.get(path)]
    ids = [row["id"] for row in read] if "id" in header else unique([(row[path],) for row in read])
    if not all(ids):
        raise UnfitData(f"{where}: the column `id` is empty for some images; give every image one, or leave it out.")
    if len(set(ids)) < len(ids):
        raise UnfitData(f"{where}: the column `id` says the same of several images; ids must differ.")
    files = [
        File(
            key,
            _place(row[path], _folder(where)),
            (row.get(label) or None) if label else None,
            {o: row.get(o) for o in others},
        )
        for key, row in zip(ids, read, strict=True)
    ]
    return Files(where.name, files), others


def _first(wanted: Iterable[str], header: Sequence[str]) -> str | None:
    lower = {name.lower(): name for name in reversed(header)}
    return next((lower[name] for name in wanted if name in lower), None)


def _folder(where: Place) -> Place | None:
    """The folder a list lies in; None for one in a store, whose paths are addresses."""
    return Local(where.path.parent) if isinstance(where, Local) else None


def _place(path: str, folder: Place | None) -> Place:
    if "://" in path or folder is None:
        return place(path)
    return Local(Path(path)) if Path(path).is_absolute() else place(str(folder.below(path)))
