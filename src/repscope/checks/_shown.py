"""Shown: what a published output was an output of, as pixels; and what an encoder says of them."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from repscope.checks import _picture
from repscope.checks._drawn import FIXTURES, noise
from repscope.checks._subject import Subject
from repscope.encoders.contract import Preprocessing
from repscope.errors import Unsupported
from repscope.frames import Frame

if TYPE_CHECKING:
    from torch import Tensor

    from repscope.encoders.encoder import Staged


def pixels(golden: Mapping[str, Any], subject: Subject) -> "Tensor":
    """(1, 3, S, S), or (1, 3, T, S, S) for a video encoder.

    Raises Unreachable where the picture cannot be had, Unsupported where numpy here draws other noise.
    """
    import torch

    said, tier = golden["input"], golden["tier"]
    if tier == "noise":
        drawn = noise(said["seed"], said["shapes"])
        if hashlib.sha256(drawn.astype("<f4").tobytes()).hexdigest() != said["sha256"]:
            raise Unsupported(f"numpy {np.__version__} draws other noise from seed {said['seed']} than was published.")
        made = torch.from_numpy(drawn)[None]
    elif tier == "drawn":
        made = _drawn(said)
    else:
        from repscope.encoders.preprocess import prepared

        made = prepared([_picture.picture(subject.picture)], rule_of(said), "official")[0]
    frames = golden.get("frames", 0)
    return made[:, :, None].expand(-1, -1, frames, -1, -1) if frames else made


def rule_of(said: Mapping[str, Any]) -> Preprocessing:
    """A transform as the data files have it."""
    told: dict[str, Any] = {**said, "mean": tuple(said["mean"]), "deviation": tuple(said["deviation"])}
    return Preprocessing(**told)


def _drawn(said: Mapping[str, Any]) -> "Tensor":
    """A fixture in its own size, or enlarged as its publisher did; normalised with the statistics it was made with."""
    import torch

    from repscope.encoders.preprocess import normalised

    picture = FIXTURES[said["fixture"]]()
    if side := said.get("lanczos"):
        picture = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS))
    rule = rule_of({"size": len(picture), "resize": "squash", "filter": "bicubic"} | _statistics(said))
    return torch.from_numpy(normalised(picture, rule))[None]


def _statistics(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: said[key] for key in ("mean", "deviation")}


def sequence(encoder: "Staged", shown: "Tensor", layer: int) -> np.ndarray:
    """(N, D) of one image: CLS, registers, patches; all times of a video one after the other.

    Raises Unsupported where the encoder wants another size and cannot be given this one.
    """
    import torch

    from repscope.encoders.encoder import Shown
    from repscope.encoders.transformer import Transformer

    if isinstance(encoder, Transformer):
        with torch.inference_mode():
            return encoder.network(shown, (layer,))[0][0].numpy()
    if shown.shape[-1] != encoder.contract.preprocessing.size or shown.ndim != 4:
        raise Unsupported(f"{encoder.contract.name} takes images of {encoder.contract.preprocessing.size} pixels only.")
    (tokens,) = encoder.tokens(Shown(shown, (Frame(),)), (layer,))
    parts = [] if tokens.cls is None else [tokens.cls[0][None]]
    return np.concatenate([*parts, tokens.registers[0], tokens.patches[0].reshape(-1, tokens.patches.shape[-1])])
