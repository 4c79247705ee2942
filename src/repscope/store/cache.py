"""Cache: what encoders have said before, by what they were shown; the oldest goes when there is no room."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOM = 10 << 30
"""Bytes, at most; REPSCOPE_CACHE_LIMIT says another number."""


def folder() -> Path | None:
    """`$REPSCOPE_CACHE`, else `repscope` in the user's cache folder; None for somebody without a home."""
    if given := os.environ.get("REPSCOPE_CACHE"):
        return Path(given)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "repscope"
    except RuntimeError:
        return None


class Cache:
    """Arrays by two keys: who says them, and of what. A cache that cannot be read or written says and keeps nothing.

    Attributes:
        place: Its folder; None for a cache that keeps nothing.
        room: Bytes it may have.
    """

    def __init__(self, place: Path | None, room: int | None = None):
        self.place = place
        limit = os.environ.get("REPSCOPE_CACHE_LIMIT", "")
        self.room = room if room is not None else int(limit) if limit.isdecimal() and len(limit) < 20 else ROOM

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
            os.utime(path)  # it was wanted: others go first
        except (OSError, SafetensorError, ValueError, KeyError):
            return None
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
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._make_room(len(data))
            try:
                aside.write_bytes(data)
                aside.replace(path)
            finally:
                aside.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        assert self.place is not None
        held = []
        for path in self.place.glob("*/*.safetensors"):
            with suppress(OSError):
                about = path.stat()
                held.append((about.st_mtime, about.st_size, path))
        left = sum(size for _, size, _ in held) + size
        for _, freed, path in sorted(held, key=lambda each: each[0]):
            if left <= self.room:
                return
            path.unlink(missing_ok=True)
            left -= freed
