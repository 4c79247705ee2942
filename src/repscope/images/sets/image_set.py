"""ImageSet: images in a fixed order, cut into parts that are read from front to back."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from repscope.errors import UnfitData


@dataclass(frozen=True, slots=True)
class Item:
    """What may become a photo.

    Attributes:
        id: Unlike that of any other image of the set.
        source: Where it is.
        data: Its bytes; None where they cannot be had, and `reason` says why.
        label: Its class, where it is known.
        columns: What else its source says of it, as text.
    """

    id: str
    source: str
    data: bytes | None
    label: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    reason: str = ""


class Part(ABC):
    """Images that lie together: a folder, or one file that holds many.

    Attributes:
        name: Of the folder or file.
    """

    name: str

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def items(self, start: int, stop: int) -> Iterator[Item]:
        """Images start to stop - 1, in order; raises UnfitData where the source has changed since it was listed."""

    def later(self, start: int, stop: int) -> Iterator[Callable[[], Item]]:
        """The same, where reading an image can be left to whoever calls: files are read side by side."""
        for item in self.items(start, stop):
            yield lambda item=item: item

    @abstractmethod
    def changed(self, start: int, stop: int) -> float:
        """When any of these was last changed, seconds."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """Of names and sizes: another digest, other images. The same does not say the same; contents do."""


@dataclass(frozen=True)
class ImageSet:
    """Parts, one after the other.

    Attributes:
        name: What to call it on a page.
        source: As it was given.
        parts: In order; none is empty.
        columns: What else is known of every image, beside its label.
    """

    name: str
    source: str
    parts: tuple[Part, ...]
    columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def item(self, index: int) -> Item:
        """The image at this place of the whole set."""
        for part in self.parts:
            if index < len(part):
                return next(part.items(index, index + 1))
            index -= len(part)
        raise UnfitData(f"{self.source} has no image {index} any more; it has changed since it was listed.")


def digest_of(lines: Iterator[str]) -> str:
    """SHA-256 of lines."""
    whole = hashlib.sha256()
    for line in lines:
        whole.update(line.encode(errors="surrogateescape") + b"\n")
    return whole.hexdigest()
