"""Places: where weights and answers are kept, whether there is room, and which encoders are there."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from repscope.analyses._finding import Finding, look
from repscope.encoders import available, cached, hub
from repscope.places import cache

LARGEST = 4 * max(contract.parameters for contract in available().values())
"""Bytes of the largest encoder's weights."""


def places() -> Iterator[Finding]:
    """The hub's cache, repscope's own, and what is in the first."""
    yield _place("weights", hub.cache_folder(), "HF_HOME", LARGEST)
    own = cache()
    if own is None:
        yield look(
            "own cache",
            "nobody's home: nothing is kept",
            "Set REPSCOPE_CACHE to a folder.",
        )
    else:
        yield _place("own cache", own, "REPSCOPE_CACHE", 1 << 30)
    yield _encoders()
    yield from _unfinished(hub.cache_folder())


def _place(what: str, folder: Path, variable: str, wanted: int) -> Finding:
    """A folder that is to be written, or will be once it is made."""
    there = next((place for place in (folder, *folder.parents) if place.exists()), Path(folder.anchor))
    elsewhere = f"set {variable} to another folder"
    if not there.is_dir():
        return look(what, f"{folder}: {there} is no folder", f"Move it away, or {elsewhere}.")
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return look(what, f"{folder}: may not be written ({error.strerror})", f"Change its mode, or {elsewhere}.")
    free = shutil.disk_usage(there).free
    found = f"{folder}{'' if folder.exists() else ' (not made yet)'}, {free / 1e9:.1f} GB free"
    if free < wanted:
        return look(what, found, f"{wanted / 1e9:.1f} GB may be wanted: free some, or {elsewhere}.")
    return Finding(what, found)


def _encoders() -> Finding:
    published = [contract for contract in available().values() if contract.family != "lab"]
    here = [contract.name for contract in published if cached(contract)]
    if not here:
        return look(
            "published encoders here",
            f"none of {len(published)}; those that come with the package are",
            "Fetched when first asked for, or now: repscope models --download NAME.",
        )
    return Finding("published encoders here", ", ".join(here))


def _unfinished(folder: Path) -> Iterator[Finding]:
    """What transfers that did not end have left."""
    parts = list(folder.glob("models--*/blobs/*.repscope.incomplete"))
    if parts:
        size = sum(part.stat().st_size for part in parts)
        names = sorted({part.parts[-3].removeprefix("models--").replace("--", "/") for part in parts})
        yield look(
            "unfinished downloads",
            f"{size / 1e6:,.0f} MB of {', '.join(names)}",
            "repscope models --download NAME goes on from there.",
        )
