"""Whole: whether a file of weights is all there, found out without reading the weights."""

import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from repscope.encoders import weights
from repscope.errors import UnfitCheckpoint

BITS = {
    **{"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8},
    **{"U16": 16, "U32": 32, "U64": 64, "C64": 64, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4},
}
POINTER = b"version https://git-lfs"


def whole(path: Path) -> str:
    """What was found, in words; raises UnfitCheckpoint for a file that is cut short, spoilt, or no weights.

    A safetensors file must end where its header says, with each tensor as many bytes as its shape wants, one after
    the other; a pickled one must have its zip's directory, which stands at the end. A change inside keeps the length:
    only a checksum finds that.
    """
    with path.open("rb") as file:
        start = file.read(len(POINTER))
    if start == POINTER:
        raise UnfitCheckpoint(f"{path} is a Git LFS pointer, not the file: run `git lfs pull` where it lies.")
    if path.suffix == ".safetensors":
        return _safetensors(path)
    size = path.stat().st_size
    if not size:
        raise UnfitCheckpoint(f"{path} is empty. {weights.AGAIN}")
    if path.suffix in weights.PICKLED:
        if not zipfile.is_zipfile(path):
            weights.read(path)  # the form of before torch 1.6, or damaged: then this raises
        return f"{size:,} bytes, with the directory at its end"
    return f"{size:,} bytes"


def _safetensors(path: Path) -> str:
    said = weights.header(path)
    with path.open("rb") as file:
        begin = 8 + int.from_bytes(file.read(8), "little")
    size, end = path.stat().st_size, begin
    try:
        spans = sorted((*map(int, each["data_offsets"]), _bytes(each)) for name, each in tensors(said).items())
    except (KeyError, TypeError, ValueError) as error:
        raise UnfitCheckpoint(f"The header of {path} describes no tensors: {error!r}. {weights.AGAIN}") from None
    for first, last, wanted in spans:
        if begin + first != end or last - first != wanted:
            raise UnfitCheckpoint(f"The header of {path} has tensors that overlap or leave gaps. {weights.AGAIN}")
        end = begin + last
    if size != end:
        what = "is cut short" if size < end else "goes on after its end"
        raise UnfitCheckpoint(f"{path} {what}: it has {size:,} bytes, its header wants {end:,}. {weights.AGAIN}")
    return f"{size:,} bytes, as its header wants"


def tensors(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a header says of each tensor."""
    return {name: each for name, each in said.items() if name != "__metadata__"}


def _bytes(said: Mapping[str, Any]) -> int:
    return prod(map(int, said["shape"])) * BITS[said["dtype"]] // 8
