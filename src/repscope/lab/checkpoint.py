"""Checkpoints: an encoder anyone can load, and beside it what a run needs to go on."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from repscope.encoders.vit import ViT


def write_encoder(encoder: ViT, path: Path, card: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> None:
    """The encoder as safetensors; architecture and card travel in the file's metadata."""
    from safetensors.torch import save_file

    weights = {name: value.to(dtype).contiguous() for name, value in encoder.state_dict().items()}
    metadata = {"architecture": json.dumps(asdict(encoder.architecture)), "card": json.dumps(dict(card))}
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    save_file(weights, aside, metadata)
    os.replace(aside, path)


def write_state(path: Path, state: Mapping[str, Any]) -> None:
    """What a run needs to go on, written aside and renamed: a kill leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    torch.save(dict(state), aside)
    os.replace(aside, path)


def read_state(path: Path) -> dict[str, Any]:
    """The state as written; tensors and plain values only, nothing is executed."""
    return torch.load(path, weights_only=True)


