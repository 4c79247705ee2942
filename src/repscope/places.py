"""Places: where this library keeps what it can make again; whoever deletes it loses time and nothing else."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOM = 10 << 30
"""Bytes that all of it may take; REPSCOPE_CACHE_LIMIT says another number."""


STALE = 3600
"""Seconds without a write after which a part of a file is nobody's any more."""


def cache() -> Path | None:
    """`$REPSCOPE_CACHE`, else `repscope` in the user's cache folder; None for somebody without a home."""
    if given := os.environ.get("REPSCOPE_CACHE"):
        return Path(os.path.expanduser(given))  # noqa: PTH111 - it raises nothing where there is no such home
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "repscope"
    except RuntimeError:
        return None


def room() -> int:
    """Bytes that the cache may have."""
    said = os.environ.get("REPSCOPE_CACHE_LIMIT", "")
    return int(said) if said.isdecimal() and len(said) < 20 else ROOM


def make_room(place: Path, size: int, most: int) -> None:
    """Remove what was used longest ago of the safetensors files below, until `size` more bytes have room.

    Args:
        place: A folder that nobody else keeps anything in: below the cache, which may be a folder of the user's.
    """
    held = []
    for part in place.rglob(".*.part"):  # of whoever was killed while writing it
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()
    for path in place.rglob("*.safetensors"):
        with suppress(OSError):
            about = path.stat()
            held.append((about.st_mtime, about.st_size, path))
    left = sum(size for _, size, _ in held) + size
    for _, freed, path in sorted(held, key=lambda each: each[0]):
        if left <= most:
            return
        with suppress(OSError):
            path.unlink(missing_ok=True)
        left -= freed


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A name beside a file to write to; it is renamed to the file at the end, or removed where that does not come."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
