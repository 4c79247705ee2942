"""Checkpoints: an encoder anyone can load, and beside it what a run needs to go on."""

import json
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.errors import UnfitCheckpoint, Unwritable, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

ENCODER, STATE = "encoder.safetensors", "run.state"


def as_written(encoder: ViT, dtype: torch.dtype = torch.float16) -> ViT:
    """The float32 encoder that the file of this one gives back: what a card should speak of.

    Raises UnfitCheckpoint for weights that the smaller type cannot hold.
    """
    made = ViT(encoder.architecture)
    made.load_state_dict({name: value.float() for name, value in _rounded(encoder, dtype).items()})
    return made.eval().requires_grad_(False)


def _rounded(encoder: ViT, dtype: torch.dtype) -> dict[str, Tensor]:
    if name := unfitting(encoder, dtype):
        raise UnfitCheckpoint(f"{name} does not fit {dtype}: its training came apart; try a smaller rate.")
    return {name: value.to("cpu", dtype).contiguous() for name, value in encoder.state_dict().items()}


def unfitting(encoder: ViT, dtype: torch.dtype = torch.float16) -> str | None:
    """The first weight that this type cannot hold, or that is no number; None where there is none."""
    held = encoder.state_dict().items()
    return next((name for name, value in held if not torch.isfinite(value.to(dtype)).all()), None)


def write_encoder(encoder: ViT, path: Path, card: Mapping[str, Any], dtype: torch.dtype = torch.float16) -> None:
    """The encoder as safetensors; architecture and card travel in the file's metadata.

    Raises UnfitCheckpoint for weights that the smaller type cannot hold, Unwritable.
    """
    metadata = {"architecture": json.dumps(asdict(encoder.architecture)), "card": json.dumps(dict(card))}
    _write(path, _rounded(encoder, dtype), metadata)


def read_encoder(name: str) -> ViT:
    """The transformer of an encoder that comes with the package, or of a file or folder.

    Raises UnknownName and UnfitCheckpoint as `repscope.load` does, WrongUsage for one that is not
    a transformer of ours.
    """
    from repscope.encoders.load import trainable

    network = getattr(trainable(name), "network", None)
    if not isinstance(network, ViT):
        raise WrongUsage(f"{name} runs through another library; name an encoder whose weights repscope reads itself.")
    return network


def read_card(name: str) -> dict[str, Any]:
    """What the file of an encoder of the lab says of its training; of a name, a file or a folder."""
    from repscope.encoders import available, weights
    from repscope.encoders.families.lab import EMBEDDED, card_of

    known = available().get(name)
    return card_of(EMBEDDED / known.file if known is not None else weights.files(Path(name).expanduser())[0])


def write_state(path: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """What a run needs to go on: tensors, and plain values in the metadata; no pickle.

    Written aside and renamed: a kill or a full disk leaves the one before. Raises Unwritable.
    """
    held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    _write(path, held, {"run": json.dumps(dict(values))})


def read_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and values as written.

    Raises UnfitCheckpoint for a file that is no state, a damaged one, and one that may not be read:
    the last may be whole, and is not to be removed.
    """
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()  # what is refused here says why; safetensors calls it missing
        with safe_open(path, "pt") as file:
            values = json.loads((file.metadata() or {})["run"])
            if not isinstance(values, dict) or type(values.get("step")) is not int or values["step"] < 0:
                raise ValueError("it names no step")
            return {name: file.get_tensor(name) for name in file.keys()}, values  # noqa: SIM118  it is no mapping
    except OSError as error:
        raise UnfitCheckpoint(
            f"{path} cannot be read: {error.strerror or error}. What it holds may be whole: leave it there, make it "
            "readable, and run the same command again."
        ) from None
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise unfit(path, error) from None


def unfit(path: Path, reason: object) -> UnfitCheckpoint:
    """What to say of a file that is no state, or not a whole one."""
    return UnfitCheckpoint(
        f"{path} cannot be read as the state of a run: {reason}. Remove it to begin anew, or put a copy back."
    )


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    from safetensors.torch import save

    with aside(path) as part:
        part.write_bytes(_in_order(save(tensors, metadata)))  # not save_file: nobody else could read what it makes


def _in_order(file: bytes) -> bytes:
    """The same file with its metadata in order: safetensors deals them anew in every process."""
    size = int.from_bytes(file[:8], "little")
    header = json.loads(file[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    told = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    told += b" " * (-len(told) % 8)  # so that the tensors stay aligned
    return b"".join((len(told).to_bytes(8, "little"), told, memoryview(file)[8 + size :]))


@contextmanager
def aside(path: Path) -> "Iterator[Path]":
    """A file to write in place of `path`, which takes its place once it is whole; raises Unwritable."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        with suppress(OSError):  # where no file can be made, none can be removed
            part.unlink()
        kept = "; the one before it is kept" if path.exists() else ""
        raise Unwritable(f"{path} could not be written: {error}{kept}. Make room, or choose another place.") from None
