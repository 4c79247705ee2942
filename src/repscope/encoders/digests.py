"""Digests: SHA-256 of large files, remembered for as long as a file is the same to the system.

Hashing takes longer than loading. A file is taken to be the one that was hashed where its path, size, inode and time
of change (to the nanosecond) are the same. Whoever wants to be sure asks `weights.sha256`, which reads every byte;
`repscope validate` does.
"""

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path

from repscope import places
from repscope.encoders import weights

LARGE = 16 << 20
"""Bytes; less is hashed in no time."""


def sha256(place: Path) -> str:
    """As `weights.sha256`, from memory where it has been asked before."""
    files = weights.files(place)
    digest = weights.together([_one(path) for path in files])
    if _READ.issuperset(map(identity, files)):
        _TAKEN.add(digest)
    return digest


_READ: set[str] = set()
"""Identities of the files that this process has hashed."""
_TAKEN: set[str] = set()


def taken(digest: str) -> bool:
    """Whether this process has read all that this SHA-256 is of, and not remembered it from another."""
    return digest in _TAKEN


def _one(path: Path) -> str:
    place, before = places.cache(), identity(path)
    kept = None if place is None or path.stat().st_size < LARGE else place / "digests" / before
    if kept is not None:
        with suppress(OSError, ValueError):
            if re.fullmatch("[0-9a-f]{64}", known := kept.read_text()):
                return known
    digest = weights.sha256(path)
    after = identity(path)
    _READ.add(after)
    if kept is not None and after == before:  # else it changed meanwhile: which of the two was hashed is not known
        with suppress(OSError), places.aside(kept) as part:
            part.write_text(digest)
    return digest


def identity(path: Path) -> str:
    """What makes a file the same file, without reading it."""
    return hashlib.sha256(json.dumps([str(path.resolve()), *weights.state(path)]).encode()).hexdigest()
