"""Shelf: reports that were saved, to be looked at again; and where the page keeps new ones."""

import io
import math
import os
import re
import unicodedata
from dataclasses import dataclass
from errno import ENOENT
from hashlib import sha256
from json import JSONDecodeError, loads
from pathlib import Path
from stat import S_ISREG
from threading import Lock

from repscope.errors import UnfitData
from repscope.render.json import PIXELS, from_json
from repscope.report import Report
from repscope.web.absent import Absent

THUMB = (480, 200)
FORMATS = ("text", "json", "html", "png")


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved report: its key on the page, where it lies, and its title."""

    key: str
    folder: Path
    title: str


class Shelf:
    """Saved reports in these folders, and in those right below them.

    Attributes:
        home: Where new ones are kept.
    """

    def __init__(self, folders: list[Path], home: Path):
        self.folders, self.home = folders, home
        self._lock = Lock()

    def saved(self) -> list[Saved]:
        """Every report there is now, the newest first."""
        return [Saved(key, place, _title(place)) for key, place in self._places().items()]

    def _places(self) -> dict[str, Path]:
        """Where they lie by their keys, nothing of them read."""
        places: dict[Path, float] = {}
        for folder in [*self.folders, self.home]:
            for each in [folder, *_below(folder)]:
                try:
                    file = (each / "report.json").stat()
                except OSError:  # none there, or none of ours
                    continue
                if S_ISREG(file.st_mode):
                    places[each.absolute()] = file.st_mtime
        newest = sorted(places, key=lambda place: (-places[place], str(place)))
        return {sha256(os.fsencode(place)).hexdigest()[:16]: place for place in newest}

    def open(self, key: str) -> Report:
        """A saved report, read from its JSON; raises Absent, UnfitData."""
        return _read(self._folder(key) / "report.json")

    def thumb(self, key: str) -> bytes:
        """A small JPEG of its first PCA maps; raises Absent where there are none."""
        for file in sorted(self._folder(key).glob("pca-maps*.png")):
            if made := _small(file):
                return made
        raise Absent("That report has no picture.")

    def _folder(self, key: str) -> Path:
        try:
            return self._places()[key]
        except KeyError:
            raise Absent("That report is not there any more; choose among those that are listed now.") from None

    def keep(self, report: Report) -> Path:
        """Save a report under a name of its own; raises Unwritable."""
        stem, number = named(report.title), 1
        with self._lock:  # two that save the same get a folder each
            while os.path.lexists(place := self.home / (stem if number == 1 else f"{stem}-{number}")):
                number += 1
            report.save(place, FORMATS)
        return place


def named(title: str) -> str:
    """A folder's name of plain letters.

    >>> named("tiny-dino, tiny-mae on Köln 1.jpg"), named("猫")
    ('tiny-dino-tiny-mae-on-koln-1-jpg', 'report')
    """
    bare = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[:60].strip("-") or "report"


def _below(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    except OSError:
        return []


def _title(folder: Path) -> str:
    """From the manifest, which is small; the folder's name where there is none."""
    try:
        return str(loads(_text(folder / "manifest.json"))["title"])
    except (OSError, UnicodeDecodeError, JSONDecodeError, KeyError, TypeError, ValueError, RecursionError):
        return folder.name


def _small(file: Path) -> bytes:
    """A small JPEG of a PNG; empty where it is none, or too large to be ours."""
    from PIL import Image

    try:
        if not file.is_file():
            return b""
        with Image.open(file, formats=("PNG",)) as image:
            if math.prod(image.size) > PIXELS:
                return b""
            small = image.convert("RGB")
        small.thumbnail(THUMB)
        out = io.BytesIO()
        small.save(out, "JPEG", quality=80)
        return out.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return b""


def _text(file: Path) -> str:
    """Of a file; a pipe or a device would never end."""
    if not file.is_file():
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(file))
    return file.read_text(encoding="utf-8")


def _read(file: Path) -> Report:
    try:
        return from_json(_text(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UnfitData(f"The saved report cannot be read ({error}). Make the report again.") from None
