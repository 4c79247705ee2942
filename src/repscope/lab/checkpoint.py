"""Checkpoints: an encoder anyone can load, and beside it what a run needs to go on."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from repscope.encoders.vit import ViT
from repscope.errors import UnfitCheckpoint

STATE = frozenset({"objective", "optimiser", "step", "recipe", "kind"})
"""What every state holds; `images`, the size of the training set, is absent in older ones."""


def as_written(encoder: ViT, dtype: torch.dtype = torch.float16) -> ViT:
    """The float32 encoder that the file of this one gives back: what a card should speak of.

    Raises UnfitCheckpoint for weights that the smaller type cannot hold.
    """
    rounded = {name: value.to(dtype) for name, value in encoder.state_dict().items()}
    for name, value in rounded.items():
        if not torch.isfinite(value).all():
            raise UnfitCheckpoint(f"{name} does not fit {dtype}: its training came apart; try a smaller rate.")
    made = ViT(encoder.architecture)
    made.load_state_dict({name: value.float() for name, value in rounded.items()})
    return made.eval().requires_grad_(False)


def write_encoder(encoder: ViT, path: Path, card: Mapping[str, Any], dtype: torch.dtype = torch.float16) -> None:
    """The encoder as safetensors; architecture and card travel in the file's metadata."""
    from safetensors.torch import save_file

    weights = {name: value.to(dtype).contiguous() for name, value in encoder.state_dict().items()}
    metadata = {"architecture": json.dumps(asdict(encoder.architecture)), "card": json.dumps(dict(card))}
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    save_file(weights, aside, metadata)
    aside.replace(path)


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """What a run needs to go on, written aside and renamed: a kill leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    torch.save(dict(state), aside)
    aside.replace(path)


def read_state(path: Path) -> dict[str, Any]:
    """The state as written; tensors and plain values only, nothing is executed.

    Raises UnfitCheckpoint for a file that is no state, or a damaged one.
    """
    try:
        state = torch.load(path, weights_only=True)
    except Exception as error:  # what a damaged pickle makes the reader raise has no end
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnfitCheckpoint(
            f"{path} cannot be read as the state of a run: {reason} Remove it to begin anew, or put a copy back."
        ) from None
    absent = STATE - state.keys() if isinstance(state, dict) else STATE
    if absent:
        raise UnfitCheckpoint(
            f"{path} is no state of a run: it has no {', '.join(sorted(absent))}. Train in another folder."
        )
    return state
