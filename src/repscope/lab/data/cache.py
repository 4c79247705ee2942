"""Cache: decoded images in a file that later runs map instead of decoding anew."""

import os
import shutil
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repscope.lab.data.source import Source
from repscope.places import cache as folder

__all__ = ["folder", "keep", "kept", "key", "roomy"]

LEAST = 2_000
"""Fewer images are decoded in a moment, and not kept."""


def key(source: Source, size: int) -> str:
    """Of what is decoded to what: names, sizes and times of the files, and the side of the squares."""
    told = blake2b(f"squares 1 {size}".encode(), digest_size=12)
    for file in source.files:
        state = file.stat()
        told.update(f"\n{file.absolute()} {state.st_size} {state.st_mtime_ns}".encode(errors="surrogateescape"))
    return told.hexdigest()


def kept(where: Path, name: str, shape: tuple[int, ...]) -> tuple[NDArray[np.uint8], str] | None:
    """The pixels of an earlier reading, mapped, and the digest of the set; None where there are none."""
    for file in sorted(where.glob(f"{name}-*.npy")):
        try:
            # copy on write: nothing reaches the file, and torch takes what may be written without a warning
            pixels = np.load(file, mmap_mode="c", allow_pickle=False)
        except (OSError, ValueError, EOFError):  # cut off, or no array
            continue
        if pixels.shape == shape and pixels.dtype == np.uint8:
            return pixels, file.stem.rpartition("-")[2]
    return None


def roomy(where: Path, size: int) -> bool:
    """Whether a file of this many bytes leaves as much again free on the disk."""
    try:
        where.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(where).free > 2 * size
    except OSError:
        return False


def keep(
    where: Path, name: str, shape: tuple[int, ...], labels: bytes, parts: Iterator[NDArray[np.uint8]]
) -> Path | None:
    """Write the pixels as they come, and give them their name once all are there; None where the disk refuses.

    The digest of pixels and labels stands in the name: it need not be taken from a large set again.
    """
    told = blake2b(digest_size=8)
    part = where / f"{name}.{os.getpid()}.part"
    try:
        with part.open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for pixels in parts:
                told.update(pixels.data)
                file.write(pixels.data)
        told.update(labels)
        return part.replace(where / f"{name}-{told.hexdigest()}.npy")
    except OSError:  # what decoding raises is of another kind
        return None
    finally:
        part.unlink(missing_ok=True)
