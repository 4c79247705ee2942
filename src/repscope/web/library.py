"""Library: the photos that can be chosen, by keys that are no paths, and those that were dropped in."""

import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from repscope.errors import UnreadableImage
from repscope.images import Photo, Skipped
from repscope.images.sources import Source, sources
from repscope.web.absent import Absent

THUMB = 192
DROPPED = 1 << 30
"""Bytes of pixels of photos dropped in that are kept; the oldest go first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A photo that can be chosen."""

    key: str
    name: str
    source: Source


class Library:
    """Photos of folders and files as they were when asked, and uploads, which are kept in memory only."""

    def __init__(self, paths: Sequence[str]):
        self.paths = tuple(paths)
        self.dropped: OrderedDict[str, Photo] = OrderedDict()
        self._known: dict[str, Entry] = {}
        self._thumbs: OrderedDict[object, bytes] = OrderedDict()
        self._lock = Lock()

    def entries(self) -> list[Entry]:
        """Every photo there is now; folders are listed anew each time."""
        entries = [_entry(source) for source in sources(self.paths) if not isinstance(source, Skipped)]
        with self._lock:
            entries += [
                Entry(key, photo.id, Source(photo.id, (photo.id,), photo)) for key, photo in self.dropped.items()
            ]
        self._known = {entry.key: entry for entry in entries}
        return entries

    def given(self, keys: Sequence[str]) -> list[Any]:
        """What the analyses take, for these keys; raises Absent for one that is none (any more)."""
        known = self._known
        if any(key not in known or _state(known[key].source.given) is None for key in keys):
            self.entries()  # folders are listed anew only where a photo is not where it was
            known = self._known
        for key in keys:
            if key not in known:
                raise Absent(f"There is no photo {key!r:.60} here any more; choose among those that are listed now.")
        return [known[key].source.given for key in keys]

    def state(self, keys: Sequence[str]) -> tuple[object, ...]:
        """What tells whether any of these photos has changed; raises Absent."""
        return tuple(_state(given) for given in self.given(keys))

    def add(self, data: bytes, name: str) -> str:
        """Keep an upload; raises UnreadableImage, which says why, where it is no photo."""
        from repscope.images.decode import decode

        name = Path(name.replace("\\", "/")).name[:120] or "dropped"
        photo = decode(data, id=name, source=name)
        key = f"d{photo.sha256[:16]}"
        with self._lock:
            self.dropped[key] = photo
            while len(self.dropped) > 1 and sum(each.pixels.nbytes for each in self.dropped.values()) > DROPPED:
                gone, _ = self.dropped.popitem(last=False)
                self._known.pop(gone, None)
        return key

    def thumb(self, key: str) -> bytes:
        """A small JPEG; raises Absent, or UnreadableImage where the file has gone or is broken."""
        (given,) = self.given([key])
        name = key, _state(given)
        with self._lock:
            if name in self._thumbs:
                return self._thumbs[name]
        made = _small(given)
        with self._lock:
            self._thumbs[name] = made
            if len(self._thumbs) > 2000:
                self._thumbs.popitem(last=False)
        return made


def _entry(source: Source) -> Entry:
    path = str(source.given)
    return Entry(f"f{sha256(path.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}", source.parts[-1], source)


def _state(given: Any) -> object:
    """Of a file when it was changed and how long it is; a photo in memory stays as it is."""
    if isinstance(given, Photo):
        return given.sha256
    try:
        file = given.stat()
    except OSError:
        return None
    return file.st_mtime_ns, file.st_size


def _small(given: Any) -> bytes:
    from PIL import Image

    from repscope.images.decode import decode

    if isinstance(given, Photo):
        photo = given
    else:
        try:
            data = given.read_bytes()
        except OSError as error:
            raise UnreadableImage(f"{given.name}: it cannot be read ({error.strerror}).") from None
        photo = decode(data, id=given.name, source=given.name)
    image = Image.fromarray(photo.pixels)
    image.thumbnail((THUMB, THUMB))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()
