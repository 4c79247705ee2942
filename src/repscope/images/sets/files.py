"""Files: images that are a file each, of a folder or of a list."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from repscope.errors import RepscopeError, UnfitData
from repscope.images.sets.image_set import Item, Part, digest_of
from repscope.images.sets.place import Place


@dataclass(frozen=True, slots=True)
class File:
    """An image that is a file.

    Attributes:
        size: Bytes; -1 where they were not asked for.
        changed: When it was last changed; None where it was not asked for.
        trouble: Why it is not read at all; empty where it is.
    """

    id: str
    place: Place
    label: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    size: int = -1
    changed: float | None = None
    trouble: str = ""

    def item(self) -> Item:
        """Its bytes, or why they cannot be had."""
        if self.trouble:
            return self._said(None, self.trouble)
        try:
            return self._said(self.place.read())
        except RepscopeError:  # a store that does not answer says nothing of the image
            raise
        except FileNotFoundError:
            if self.size >= 0:  # it was there when the folder was listed
                raise UnfitData(f"{self.place} is gone since it was listed: the source changes.") from None
            return self._said(None, "there is no such file")
        except (OSError, ValueError) as error:  # no path at all, where a list has strange lines
            return self._said(None, f"it cannot be read ({getattr(error, 'strerror', None) or error})")

    def _said(self, data: bytes | None, reason: str = "") -> Item:
        return Item(self.id, str(self.place), data, self.label, self.columns, reason)


@dataclass(frozen=True)
class Files(Part):
    """These files, in this order."""

    name: str
    files: Sequence[File]

    def __len__(self) -> int:
        return len(self.files)

    def items(self, start: int, stop: int) -> Iterator[Item]:
        return (read() for read in self.later(start, stop))

    def later(self, start: int, stop: int) -> Iterator[Callable[[], Item]]:
        return (file.item for file in self.files[start:stop])

    def changed(self, start: int, stop: int) -> float:
        return max((self._changed(file) for file in self.files[start:stop]), default=0.0)

    @staticmethod
    def _changed(file: File) -> float:
        if file.changed is not None:
            return file.changed
        try:
            return file.place.entry().changed
        except OSError:
            return 0.0

    @property
    def digest(self) -> str:
        return digest_of(f"{file.id}\0{file.size}\0{file.label}\0{sorted(file.columns.items())}" for file in self.files)
