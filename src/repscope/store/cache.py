"""Cache: what encoders have said before, by what they were shown; the oldest goes when there is no room."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope import places


class Cache:
    """Arrays by two keys: who says them, and of what. A cache that cannot be read or written says and keeps nothing.

    Attributes:
        place: Its folder; None for a cache that keeps nothing.
        room: Bytes it may have.
    """

    def __init__(self, place: Path | None, room: int | None = None):
        self.place = place
        self.room = places.room() if room is None else room

    def knows(self, who: str) -> bool:
        """Whether there is anything that they have said."""
        try:
            return self.place is not None and (self.place / who).is_dir()
        except OSError:
            return False

    def get(self, who: str, what: str) -> dict[str, NDArray[Any]] | None:
        """The arrays, or None where they are not there or damaged."""
        if self.place is None:
            return None
        from safetensors import SafetensorError
        from safetensors.numpy import load

        path = self.place / who / f"{what}.safetensors"
        try:
            found = load(path.read_bytes())
        except (OSError, SafetensorError, ValueError, KeyError):
            return None
        with suppress(OSError):  # of somebody else
            os.utime(path)  # it was wanted: others go first
        return found

    def put(self, who: str, what: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep these arrays, where there is room."""
        from safetensors.numpy import save

        if self.place is None:
            return
        data = save({name: np.ascontiguousarray(value).reshape(np.shape(value)) for name, value in arrays.items()})
        if len(data) > self.room:
            return
        path = self.place / who / f"{what}.safetensors"
        with suppress(OSError):
            places.make_room(self.place, len(data), self.room)
            with places.aside(path) as part:
                part.write_bytes(data)
