"""Photos: a folder of image files, whose sub-folders are classes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repscope.images.sources import SUFFIXES


@dataclass(frozen=True)
class PhotoFiles:
    """The image files of a folder and those below it, in the order of their names.

    Attributes:
        folder: Where they are.
        names: Of the files, from the folder on; as text, of which there may be millions.
        classes: Names of the sub-folders that are classes; an image elsewhere has no label.
    """

    folder: Path
    names: tuple[str, ...]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def files(self) -> Iterator[Path]:
        return (self.folder / name for name in self.names)

    def labels(self) -> list[int]:
        number = {name: place for place, name in enumerate(self.classes)}
        return [number.get(_class(name), -1) for name in self.names]

    def images(self) -> Iterator[tuple[str, Path]]:
        return ((str(file), file) for file in self.files)


def photos(folder: Path, classes: tuple[str, ...] | None = None) -> PhotoFiles:
    """The images of a folder; its sub-folders with images are the classes, where none are given.

    Raises OSError for a folder, wherever it lies, that cannot be read.
    """
    names = tuple(sorted(_names(folder), key=_parts))
    there = sorted({_class(name) for name in names} - {""})
    return PhotoFiles(folder, names, tuple(there) if classes is None else classes)


def _parts(name: str) -> list[str]:
    """By which names are sorted: a folder before another whose name it begins."""
    return name.split(os.sep)  # noqa: PTH206  as below


def _class(name: str) -> str:
    """The first folder of a name, empty for a file that lies in none."""
    first, found, _ = name.partition(os.sep)
    return first if found else ""


def _names(folder: Path) -> Iterator[str]:
    """Of images, hidden ones aside; a sub-folder may be a link, those below it are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir():
                yield from _images("", [entry.name])
                continue
            for parent, below, files in os.walk(entry.path, onerror=_refused):
                below[:] = [name for name in below if not name.startswith(".")]
                yield from _images(os.path.relpath(parent, folder), files)


def _refused(error: OSError) -> None:
    """A folder passed over would take its class away, and give the next ones its number."""
    raise error


def _images(parent: str, files: list[str]) -> Iterator[str]:
    for name in files:
        if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122
            yield os.path.join(parent, name)  # noqa: PTH118  a Path for each of millions is slow
