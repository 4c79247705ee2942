"""Source: a place that training images are read from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """Images in a fixed order, each as the bytes of an image file."""

    def __len__(self) -> int:
        """How many there are, told without reading them."""
        ...

    def __str__(self) -> str:
        """What to call it in a message."""
        ...

    @property
    def files(self) -> Iterator[Path]:
        """Every file that is read: a change of one is a change of the images."""
        ...

    def labels(self) -> list[int]:
        """The class of each image, -1 where it is not known."""
        ...

    def images(self) -> Iterator[tuple[str, bytes | Path]]:
        """What each is called in a message, and its bytes or the file that holds them."""
        ...
