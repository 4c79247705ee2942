"""Whole: whether a file of the hub's cache is the file it is named after."""

import hashlib
import re
from pathlib import Path

from repscope.encoders import digests, weights

DIGEST = re.compile("[0-9a-f]{64}|[0-9a-f]{40}")
"""SHA-256 of a large file, git's SHA-1 of a small one: as the hub tells it, and as its cache names the file."""


def promised(file: Path) -> str:
    """The digest that the hub told of a file in its cache; empty where the cache does not say, as without links.

    One link is followed and no more: what lies beyond may be a store that names files by hashes of another kind.
    """
    name = file.readlink().name if file.is_symlink() else ""
    return name if DIGEST.fullmatch(name) else ""


def digest(file: Path, like: str) -> str:
    """The digest of a file, of the kind that this one is of."""
    if len(like) == 64:
        return weights.sha256(file)
    begun = hashlib.sha1(b"blob %d\0" % file.stat().st_size, usedforsecurity=False)
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: begun).hexdigest()  # pyright: ignore[reportArgumentType]


def whole(file: Path, wanted: str) -> bool:
    """Whether a file is there with this digest."""
    try:
        return file.is_file() and digest(file, wanted) == wanted
    except OSError:  # a disk that does not give back what it was given
        return False


def still_whole(file: Path, wanted: str) -> bool:
    """As `whole`; a large file that nobody has written since its digest was taken is not read again.

    What a disk loses by itself escapes it. The time of the last change of a file cannot be set back.
    """
    try:
        large = len(wanted) == 64 and file.is_file()
        return digests.sha256(file) == wanted if large else whole(file, wanted)
    except OSError:
        return False
