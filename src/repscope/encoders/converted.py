"""Converted: an encoder's weights as they are multiplied, kept on disk, so that the next load reads half as much."""

import hashlib
import json
import os
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from repscope import places
from repscope.encoders import digests, weights
from repscope.encoders.contract import Precision
from repscope.encoders.families import catalogue
from repscope.encoders.mapped import DTYPES, Mapped
from repscope.encoders.vit.ready import Ready

if TYPE_CHECKING:
    from repscope.encoders.load import Checkpoint

FORMAT = 2
"""Changes with what is kept, and with how it is made of a checkpoint."""

LEAST = 64 << 20
"""Bytes of a checkpoint; a smaller one is read and rounded in no time."""

SAID = {dtype: name for name, dtype in DTYPES.items()}


def converted(checkpoint: "Checkpoint", precision: Precision) -> tuple[Mapping[str, Tensor], Callable[[], None]]:
    """The weights of a checkpoint as `Ready` has them, and what gives back their memory once they were used.

    Those in bfloat16 are kept in the cache when they are first made, and mapped from there afterwards, each held
    against its sum. What is damaged there, or of another file, is made anew; where nothing can be kept,
    nothing is. Float32 weights are used as their file has them.
    """
    path = _place(checkpoint, precision)
    if path is None:
        return _made(checkpoint, precision)
    found = _kept(path, checkpoint)
    if found is None and _keep(path, *_made(checkpoint, precision)):
        found = _kept(path, checkpoint)
    return found or _made(checkpoint, precision)


def _made(checkpoint: "Checkpoint", precision: Precision) -> tuple[Mapping[str, Tensor], Callable[[], None]]:
    state, release = checkpoint.read()
    return Ready(state, precision), release


def _place(checkpoint: "Checkpoint", precision: Precision) -> Path | None:
    """Where they are kept; None where that is not worth it."""
    root, files = places.cache(), weights.files(checkpoint.place)
    if root is None or precision == "float32" or sum(file.stat().st_size for file in files) < LEAST:
        return None
    family, form = catalogue[checkpoint.contract.family], checkpoint.contract.architecture
    who = [
        FORMAT,
        version("repscope"),
        precision,
        repr(form),
        sorted(family.keys.items()),
        *map(digests.identity, files),
    ]
    return root / "converted" / f"{hashlib.sha256(json.dumps(who).encode()).hexdigest()}.safetensors"


def _kept(path: Path, checkpoint: "Checkpoint") -> tuple[Mapping[str, Tensor], Callable[[], None]] | None:
    """What is kept, where it is whole: every tensor that is wanted, in its shape and type, its sum right."""
    from safetensors import SafetensorError

    try:
        held = Mapped(path)
        sums = json.loads(weights.header(path)["__metadata__"]["sums"])
        with suppress(OSError):  # of somebody else
            os.utime(path)  # it was wanted: others go first
        wanted = Ready(checkpoint.shape().state_dict(), "bfloat16")
        whole = sums.keys() == held.tensors.keys() == set(wanted) and all(
            (held.tensors[name].shape, held.tensors[name].dtype) == (wanted.state[name].shape, wanted.type_of(name))
            for name in wanted
        )
        for name, value in held.tensors.items():
            whole = whole and _sum(value) == sums[name]
            held.release()
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, KeyError, weights.UnfitCheckpoint):
        return None
    return (held.tensors, held.release) if whole else None


def _keep(path: Path, state: Mapping[str, Tensor], release: Callable[[], None]) -> bool:
    """Write them one by one, so that never more than one is in memory; False where there is no room, or no right."""
    sizes = {name: _about(name, state) for name in state}
    sums, place = dict.fromkeys(sizes, 0), 0
    said: dict[str, Any] = {}
    for name, (dtype, shape, size) in sizes.items():
        said[name] = {"dtype": SAID[dtype], "shape": shape, "data_offsets": [place, place + size]}
        place += size
    if place > places.room():
        return False
    with suppress(OSError):
        places.make_room(path.parent, place, places.room())
        with places.aside(path) as part:
            with part.open("wb") as file:
                room = len(_header(said, dict.fromkeys(sums, (1 << 32) - 1)))
                file.seek(room)
                for name in sizes:
                    value = state[name].contiguous()
                    sums[name] = _sum(value)
                    file.write(value.flatten().view(torch.uint8).numpy().data)
                    release()
                file.seek(0)
                file.write(_header(said, sums, room))
                file.flush()
                os.fsync(file.fileno())
            return True
    return False


def _about(name: str, state: Mapping[str, Tensor]) -> tuple[torch.dtype, list[int], int]:
    """Type, shape and bytes; of a `Ready` without making the tensor."""
    raw = state.state[name] if isinstance(state, Ready) else state[name]
    dtype = state.type_of(name) if isinstance(state, Ready) else raw.dtype
    return dtype, list(raw.shape), raw.numel() * dtype.itemsize


def _header(said: dict[str, Any], sums: dict[str, int], room: int = 0) -> bytes:
    """A safetensors header, filled with spaces to 8 bytes, or to as long as wanted."""
    text = json.dumps({"__metadata__": {"sums": json.dumps(sums)}, **said}).encode()
    length = (room or (8 + len(text) + 7) // 8 * 8) - 8
    return struct.pack("<Q", length) + text.ljust(length)


def _sum(value: Tensor) -> int:
    """CRC-32 of a tensor's bytes, in their order: what a damaged disk, a page of zeros or a page moved would change."""
    return zlib.crc32(value.contiguous().flatten().view(torch.uint8).numpy().data)
