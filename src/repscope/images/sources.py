"""Sources: what a person gives, listed as photos to be; `gather` decodes them all."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from repscope.errors import NoImages, UnreadableImage, WrongUsage
from repscope.images.pace import Pace, checked
from repscope.images.photo import Photo, Skipped
from repscope.images.samples import samples
from repscope.images.unique import unique

if TYPE_CHECKING:
    import PIL.Image

Input = Union[str, os.PathLike[str], np.ndarray, Photo, "PIL.Image.Image"]  # as text: Pillow is imported when met
"""A file or folder, an array, a picture that Pillow has opened, or a photo."""

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".jp2", ".j2k", ".avif", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif"}
)
"""What is taken for an image in a folder; HEIC so that a person is told why it is left out."""


REPORT = frozenset({"report.json", "manifest.json"})


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Something that may become a photo.

    Attributes:
        origin: Where it is from, as given.
        parts: Folders and file name, of which the photo's id is made.
        given: A path, or the picture itself.
    """

    origin: str
    parts: tuple[str, ...]
    given: Any

    def photo(self, id: str, pace: Pace = "exact") -> Photo:  # noqa: A002  it is the photo's own word
        """Read and decode it; raises UnreadableImage."""
        if isinstance(self.given, Photo):
            return (
                self.given if (self.given.id, self.given.pace) == (id, pace) else replace(self.given, id=id, pace=pace)
            )
        from repscope.images import decode  # Pillow, which listing does without

        if isinstance(self.given, np.ndarray):
            return replace(decode.from_array(self.given, id=id, source=self.origin), pace=pace)
        if not isinstance(self.given, Path):
            return replace(decode.from_picture(self.given, id=id, source=self.origin), pace=pace)
        try:
            data = self.given.read_bytes()
        except OSError as error:
            raise UnreadableImage(f"{self.origin}: it cannot be read ({error.strerror}).") from error
        return decode.decode(data, id=id, source=self.origin, pace=pace)


def gather(
    inputs: Input | Sequence[Input] = (), *, strict: bool = False, pace: Pace = "exact"
) -> tuple[tuple[Photo, ...], tuple[Skipped, ...]]:
    """The photos in these files, folders, arrays and pictures, in order, and what had to be left out.

    Without inputs, the sample photos. A folder is searched through, hidden files aside, in natural
    order (2.jpg before 10.jpg); a file that comes twice is taken once. Ids are file names, with as
    many folders in front as tell them apart.

    Args:
        inputs: What to look at.
        strict: Raise UnreadableImage for the first that cannot be shown, instead of leaving it out.
        pace: How they are decoded, and scaled later; photos that are given take it on.

    Raises NoImages, with the reasons, where nothing is left, and Unsupported where the fast pace wants what is not
    installed.
    """
    checked(pace)
    found = list(sources(inputs))
    photos: list[Photo] = []
    skipped: list[Skipped] = []
    names = iter(named([item for item in found if isinstance(item, Source)]))
    for item in found:
        if isinstance(item, Source):
            try:
                photos.append(item.photo(next(names), pace))
                continue
            except UnreadableImage as error:
                if strict:
                    raise
                item = Skipped(item.origin, str(error).removeprefix(f"{item.origin}: "))
        elif strict:
            raise UnreadableImage(f"{item.source}: {item.reason}")
        skipped.append(item)
    if not photos:
        raise NoImages(f"There is no photo to look at. {_listed(skipped)}")
    return tuple(photos), tuple(skipped)


def sources(inputs: Input | Sequence[Input] = ()) -> Iterator[Source | Skipped]:
    """What is there to read, in order, without reading it: listing is apart from decoding.

    Raises WrongUsage for an input of another kind.
    """
    alone = isinstance(inputs, str | os.PathLike | np.ndarray | Photo) or _is_picture(inputs)
    several: Sequence[Any] = [inputs] if alone else inputs  # type: ignore[assignment]
    if not alone and len(several) == 0:
        several = samples()
    seen: set[str] = set()
    for number, item in enumerate(several, 1):
        if isinstance(item, str | os.PathLike):
            for source in _in_path(os.fspath(item)):
                # Not `resolve`: two links to one file are two names that somebody gave.
                key = os.path.abspath(source.given) if isinstance(source, Source) else source.source  # noqa: PTH100
                if key not in seen:
                    seen.add(key)
                    yield source
        elif isinstance(item, np.ndarray):
            yield Source(f"array {number}", (f"array {number}",), item)
        elif isinstance(item, Photo):
            yield Source(item.source or item.id, (item.id,), item)
        elif _is_picture(item):
            file = str(getattr(item, "filename", "") or f"picture {number}")
            yield Source(file, (Path(file).name,), item)
        else:
            raise WrongUsage(
                f"A photo is a path, an array (H, W, 3), a Pillow image or a Photo; got {type(item).__name__}."
            )


def named(found: Sequence[Source]) -> list[str]:
    """An id for each source, in order, unlike any other; those of photos stay as they are."""
    own = [source.parts[0] for source in found if isinstance(source.given, Photo)]
    others = iter(unique([source.parts for source in found if not isinstance(source.given, Photo)], taken=own))
    mine = iter(unique([(name,) for name in own]))
    return [next(mine) if isinstance(source.given, Photo) else next(others) for source in found]


def _is_picture(item: object) -> bool:
    """Whether it is Pillow's; asked of the class's home, so that Pillow need not be imported to say no."""
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(item).__mro__)


def _in_path(given: str) -> Iterator[Source | Skipped]:
    """The file, or the images in the folder and those below it."""
    try:
        path = Path(given)
        if not given:  # which Path would take for the current folder
            yield Skipped(given, "the path is empty.")
        elif path.is_dir():
            yield from _in_folder(path, given)
        elif path.is_file():
            yield _file(path)
        elif path.exists():
            yield Skipped(given, "it is neither a file nor a folder; give one of these.")
        elif re.match(r"https?://", given):
            yield Skipped(given, "it is an address; download the image and give the file.")
        else:
            yield Skipped(given, f"no such file or folder; looked in {Path.cwd()}.")
    except OSError as error:  # a name too long, a loop of links, a folder that may not be entered
        yield Skipped(given, f"it cannot be read ({error.strerror}).")


def _in_folder(folder: Path, given: str) -> Iterator[Source | Skipped]:
    images: list[Path] = []
    closed: list[OSError] = []
    for parent, below, files in os.walk(folder, onerror=closed.append):
        below[:] = [name for name in below if not name.startswith(".")]
        if set(files) >= REPORT:
            continue  # a saved report's pictures are no photos
        images += [
            Path(parent, name)
            for name in files
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122
        ]
    for path in sorted(images, key=lambda path: [natural(part) for part in path.parts]):
        yield _file(path) if _ends(path) else Skipped(str(path), "it is a pipe or a device; give a file.")
    for error in closed:
        yield Skipped(str(error.filename), f"it cannot be read ({error.strerror}).")
    if not images and not closed:
        yield Skipped(given, "the folder has no image in it (.jpg, .png, .webp, .tif, ...), nor have those below it.")


def _ends(path: Path) -> bool:
    """Whether reading it ends, or says why it cannot be read."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


def _file(path: Path) -> Source:
    return Source(str(path), path.absolute().parts[1:], path)


def natural(text: str) -> tuple[list[str | int], str]:
    """Sorts 2.jpg before 10.jpg; the text itself comes last so that A and a keep one order."""
    return [int(part) if part.isdecimal() else part.casefold() for part in re.split(r"(\d+)", text)], text


def _listed(skipped: Iterable[Skipped], most: int = 5) -> str:
    """Every reason, the first of them at length."""
    lines = [f"{item.source}: {item.reason}" for item in skipped]
    more = f" ... and {len(lines) - most} more." if len(lines) > most else ""
    return " ".join(lines[:most]) + more
