"""Weights: tensors from files, mapped into memory; nothing that a file says is ever executed."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repscope.errors import UnfitCheckpoint

if TYPE_CHECKING:
    from torch import Tensor

    from repscope.encoders.mapped import Mapped

INDEX = "model.safetensors.index.json"
NAMES = ("model.safetensors", INDEX, "pytorch_model.bin")
"""The files that hold the weights of a Hugging Face folder, in the order they are tried."""
PICKLED = (".pt", ".pth", ".bin")
AGAIN = "Fetch or copy it again: it may be cut short, or a Git LFS pointer in place of the file."
DENIED = "You may not read it: ask its owner, or change its mode (chmod u+r)."
HEADER_LIMIT = 100_000_000


def _advice(error: Exception) -> str:
    """What a person can do about a file that does not read."""
    return DENIED if isinstance(error, PermissionError) else AGAIN


def header(path: Path) -> dict[str, Any]:
    """What a safetensors file says of itself: tensors by name, and `__metadata__`; reads no weights."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            said = json.loads(file.read(size)) if 0 < size <= HEADER_LIMIT else None
    except (OSError, ValueError, RecursionError) as error:
        raise UnfitCheckpoint(f"{path} cannot be read as safetensors: {error}. {_advice(error)}") from None
    if not isinstance(said, dict):
        raise UnfitCheckpoint(f"{path} is no safetensors file. {AGAIN}")
    return said


def files(place: Path) -> tuple[Path, ...]:
    """The files that hold the weights of a folder (or the file itself), in the order they are read.

    Raises UnfitCheckpoint where there are none, or where it cannot be told which are meant.
    """
    if place.is_file():
        return (place,)
    for name in NAMES:
        if (place / name).is_file():
            return _shards(place / name) if name == INDEX else (place / name,)
    found = sorted(place.glob("*.safetensors")) or sorted(p for p in place.glob("*") if p.suffix in PICKLED)
    if len(found) == 1:
        return (found[0],)
    told = f"several files that could be: {', '.join(p.name for p in found[:6])}; name one" if found else "none"
    raise UnfitCheckpoint(f"{place} should hold the weights as {' or '.join(NAMES)} or one .pt file; it has {told}.")


def graph(place: Path) -> Path | None:
    """The ONNX file that this is, or that a folder holds in place of weights; None where there is none."""
    if place.is_file():
        return place if place.suffix == ".onnx" else None
    held = [path for path in place.glob("*") if path.suffix in (".onnx", ".safetensors", *PICKLED)]
    return held[0] if len(held) == 1 and held[0].suffix == ".onnx" else None


def shard_names(index: Path) -> list[str]:
    """The files over which an index spreads the weights; each lies beside it."""
    try:
        return sorted({Path(name).name for name in json.loads(index.read_bytes())["weight_map"].values()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnfitCheckpoint(f"{index} is no index of safetensors files: {error!r}. {AGAIN}") from None


def _shards(index: Path) -> tuple[Path, ...]:
    shards = tuple(index.parent / name for name in shard_names(index))
    if absent := [shard.name for shard in shards if not shard.is_file()]:
        raise UnfitCheckpoint(f"{index} names files that are not beside it: {', '.join(absent[:6])}. Fetch them too.")
    return shards


@dataclass(frozen=True, eq=False)
class Weights:
    """Tensors by their own names, on the CPU, mapped rather than copied.

    Attributes:
        release: Gives back what of the files was touched and is in memory; they are read again where they are wanted.
    """

    tensors: "dict[str, Tensor]"
    release: Callable[[], None]


def read(place: Path) -> Weights:
    """Every tensor of a file or folder."""
    tensors, mapped = dict[str, Any](), list[Any]()
    for path in files(place):
        if path.suffix in PICKLED:
            tensors |= _unpickled(path)
        else:
            mapped.append(_mapped(path))
            tensors |= mapped[-1].tensors

    def release() -> None:
        for each in mapped:
            each.release()

    return Weights(tensors, release)


def _mapped(path: Path) -> "Mapped":
    from safetensors import SafetensorError

    from repscope.encoders.mapped import Mapped

    try:
        return Mapped(path)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError, AttributeError) as error:
        raise UnfitCheckpoint(f"{path} cannot be read as safetensors: {error}. {_advice(error)}") from None


def _unpickled(path: Path) -> "dict[str, Tensor]":
    import torch

    try:
        try:
            held = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # files of before torch 1.6 cannot be mapped
            held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged pickle makes the reader raise has no end
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnfitCheckpoint(
            f"{path} cannot be read as tensors and plain values: {reason.rstrip('.')}. Code in it is never run. "
            f"{_advice(error)} If it is whole, save its state dict as safetensors."
        ) from None
    for wrapper in ("model", "state_dict", "teacher"):
        if isinstance(held, dict) and isinstance(held.get(wrapper), dict):
            held = held[wrapper]
    if not isinstance(held, dict) or not all(isinstance(v, torch.Tensor) for v in held.values()):
        raise UnfitCheckpoint(f"{path} holds no flat dictionary of tensors; save the encoder's state dict.")
    return {str(name): value for name, value in held.items()}


def sha256(place: Path) -> str:
    """SHA-256 of a file; of several, that of their digests in order. Computed once in a process."""
    return together([_sha256(path, state(path)) for path in files(place)])


def together(digests: Sequence[str]) -> str:
    """One digest for several files, in their order; that of a single file is its own."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def state(file: Path) -> tuple[int, ...]:
    """What makes a file the same file; the time of its last change cannot be set back."""
    about = file.stat()
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino


@cache
def _sha256(path: Path, same: tuple[int, ...]) -> str:  # noqa: ARG001
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
