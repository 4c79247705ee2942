"""Transfer: one file from the hub into its cache, whole or not at all; a transfer that was cut short goes on.

The hub's client finds files, follows links, speaks to proxies and knows tokens; but (seen in 2.4) it
begins anew after every failure. So what has come is kept here, under a lock, until the digest is right.
"""

import errno
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from repscope.encoders.whole import DIGEST, digest, whole

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

HOME = "huggingface.co"
ROOM = 1 << 20
"""Bytes that stay free beside a file: links, locks, and what a file system keeps of its own."""


COMMIT = re.compile("[0-9a-f]{40}")


class Other(Exception):
    """What came is not what was asked for."""


def told(repository: str, name: str, revision: str, patience: float | None = None) -> "tuple[str, HfFileMetadata]":
    """The address of a file, and what the hub says of it: digest, size, commit. Raises as `transferred` does."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.constants import HF_HUB_ETAG_TIMEOUT

    url = hf_hub_url(repository, name, revision=revision or None)
    said = get_hf_file_metadata(url, timeout=patience or HF_HUB_ETAG_TIMEOUT)
    if not COMMIT.fullmatch(said.commit_hash or ""):  # it becomes the name of a folder
        raise Other(f"its X-Repo-Commit is {said.commit_hash!r:.80}, no commit as every hub's is")
    return url, said


def transferred(repository: str, name: str, revision: str, cache: Path) -> Path:
    """Where a file lies in the cache; fetched where it is not there whole. Safe in several processes at once.

    Raises whatever the hub's client does, OSError where there is no room, and Other.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import WeakFileLock

    url, said = told(repository, name, revision)
    folder = cache / f"models--{repository.replace('/', '--')}"
    if said.etag and DIGEST.fullmatch(said.etag):
        lock, blob = cache / ".locks" / folder.name / f"{said.etag}.lock", folder / "blobs" / said.etag
        for place in (lock, blob):
            place.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):  # the client's own lock of this file
            if not whole(blob, blob.name):
                # to whoever keeps it at once, as the client does: not where that is addressed in pieces
                _fill(blob, url if getattr(said, "xet_file_data", None) else urljoin(url, said.location), said, name)
        _without(folder / "snapshots" / str(said.commit_hash) / name, blob.name)
    return Path(hf_hub_download(repository, name, revision=revision or None, cache_dir=cache))


def _without(place: Path, wanted: str) -> None:
    """Take away a damaged copy, where the cache holds copies instead of links."""
    if place.is_file() and not place.is_symlink() and not whole(place, wanted):
        place.unlink()


def _fill(blob: Path, url: str, said: "HfFileMetadata", name: str) -> None:
    part = blob.with_name(f"{blob.name}.repscope.incomplete")
    held = _held(part, said.size)
    found = _append(part, url, said, name, held)
    if found != blob.name and held:  # what an earlier try left was no part of this file
        part.unlink()
        found = _append(part, url, said, name, 0)
    if found != blob.name:
        part.unlink()
        raise Other(f"{name} came with the digest {found}, and the hub tells of {blob.name}")
    part.replace(blob)


def _held(part: Path, size: int | None) -> int:
    """Bytes that an earlier try left; none where they cannot be of a file of this size."""
    held = part.stat().st_size if part.is_file() else 0
    if size is None or held > size:
        part.unlink(missing_ok=True)
        return 0
    return held


def _append(part: Path, url: str, said: "HfFileMetadata", name: str, held: int) -> str:
    """Fetch what is missing, and give the digest of the whole."""
    from huggingface_hub.file_download import http_get

    room = shutil.disk_usage(part.parent).free
    if said.size is not None and room < said.size - held + ROOM:
        raise OSError(
            errno.ENOSPC, f"{name} needs {said.size - held:,} bytes more, {room:,} are free", str(part.parent)
        )
    try:
        with part.open("ab") as file:
            http_get(
                url, file, resume_size=held, headers=_headers(url), expected_size=said.size, displayed_filename=name
            )
    finally:
        _no_page(part, name)
    return digest(part, str(said.etag))


def _headers(url: str) -> dict[str, str]:
    """With the token only for the hub itself, not for a store that it points to."""
    from huggingface_hub.constants import ENDPOINT
    from huggingface_hub.utils import build_hf_headers

    hub = urlsplit(url)[:2] in (urlsplit(ENDPOINT)[:2], ("https", HOME))
    return {**build_hf_headers(token=None if hub else False), "Accept-Encoding": "identity"}


def _no_page(part: Path, name: str) -> None:
    """Raises Other where a web page came in place of a file, and keeps nothing of it; no weights begin so."""
    if not part.is_file():
        return
    with part.open("rb") as file:
        begins = file.read(512).lstrip().lower()
    if begins.startswith((b"<!doctype", b"<html", b"<?xml")):
        part.unlink()
        raise Other(f"a web page came in place of {name}")
