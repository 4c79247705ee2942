"""Small published-style models with random weights, and what transformers itself says of their pixels."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers.image_utils import (
    IMAGENET_DEFAULT_MEAN,
    IMAGENET_DEFAULT_STD,
    IMAGENET_STANDARD_MEAN,
    IMAGENET_STANDARD_STD,
    OPENAI_CLIP_MEAN,
    OPENAI_CLIP_STD,
)

from repscope.images.photo import Photo
from repscope.tokens import Tokens

IMAGENET = (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
HALF = (IMAGENET_STANDARD_MEAN, IMAGENET_STANDARD_STD)
CLIP = (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD)

SMALL = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 80}
TEXT = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 9}


@dataclass(frozen=True)
class Case:
    """A small model of a family, and how transformers is asked for its tokens.

    Attributes:
        build: Makes the model of transformers.
        size: Side of the images it is shown.
        statistics: Mean and deviation its pixels are normalised with.
        prefix: Its (CLS, registers).
        options: Of its forward call.
        frames: Frames the image is repeated to.
        tower: The part of the model that sees.
        processor: What preprocessor_config.json says, where there is one.
    """

    build: Callable[[], torch.nn.Module]
    size: int
    statistics: tuple[Sequence[float], Sequence[float]]
    prefix: tuple[int, int] = (1, 0)
    options: dict[str, Any] = field(default_factory=dict)
    frames: int = 0
    tower: str = ""
    processor: dict[str, Any] | None = None


def _dinov2(**options: Any) -> torch.nn.Module:
    config = {k: v for k, v in SMALL.items() if k != "intermediate_size"} | options
    return transformers.Dinov2Model(transformers.Dinov2Config(**config))


def _dinov2_registers(**options: Any) -> torch.nn.Module:
    config = {k: v for k, v in SMALL.items() if k != "intermediate_size"} | options
    return transformers.Dinov2WithRegistersModel(transformers.Dinov2WithRegistersConfig(**config))


def _dinov3(**options: Any) -> torch.nn.Module:
    config = SMALL | {"num_register_tokens": 4, "patch_size": 4, "image_size": 24} | options
    return transformers.DINOv3ViTModel(transformers.DINOv3ViTConfig(**config))


def _vjepa2(**options: Any) -> torch.nn.Module:
    config = {k: v for k, v in SMALL.items() if k != "intermediate_size"}
    config |= {"crop_size": 32, "patch_size": 8, "pred_hidden_size": 24, "pred_num_hidden_layers": 1}
    return transformers.VJEPA2Model(transformers.VJEPA2Config(**(config | options)))


def _clip() -> torch.nn.Module:
    seen = SMALL | {"image_size": 24, "patch_size": 8}
    return transformers.CLIPModel(transformers.CLIPConfig(text_config=TEXT, vision_config=seen, projection_dim=8))


def _siglip() -> torch.nn.Module:
    seen = SMALL | {"image_size": 24, "patch_size": 8}
    return transformers.SiglipModel(transformers.SiglipConfig(text_config=TEXT, vision_config=seen))


def _squash(size: int) -> dict[str, Any]:
    return {"size": {"height": size, "width": size}, "resample": 2}


ANY_SIZE = {"interpolate_pos_encoding": True}
PLAIN = SMALL | {"image_size": 24, "patch_size": 8}

CASES: dict[str, Case] = {
    "dinov2, small native grid": Case(lambda: _dinov2(image_size=20, patch_size=4), 64, IMAGENET),
    "dinov2, large native grid": Case(lambda: _dinov2(image_size=92, patch_size=4), 64, IMAGENET),
    "dinov2, gated": Case(lambda: _dinov2(image_size=28, patch_size=4, use_swiglu_ffn=True), 64, IMAGENET),
    "dinov2, no mask token, no bias": Case(
        lambda: _dinov2(image_size=64, patch_size=4, use_mask_token=False, qkv_bias=False), 64, IMAGENET
    ),
    "dinov2 with registers": Case(lambda: _dinov2_registers(image_size=92, patch_size=4), 64, IMAGENET, (1, 4)),
    "dinov3": Case(lambda: _dinov3(), 56, IMAGENET, (1, 4)),
    "dinov3, gated": Case(lambda: _dinov3(use_gated_mlp=True, hidden_act="silu"), 56, IMAGENET, (1, 4)),
    "dinov3, no bias": Case(
        lambda: _dinov3(query_bias=False, value_bias=False, num_register_tokens=0), 56, IMAGENET, (1, 0)
    ),
    "ijepa": Case(lambda: transformers.IJepaModel(transformers.IJepaConfig(**PLAIN)), 24, HALF, (0, 0)),
    "ijepa, other size": Case(
        lambda: transformers.IJepaModel(transformers.IJepaConfig(**PLAIN)),
        40,
        IMAGENET,
        (0, 0),
        ANY_SIZE,
        processor=_squash(40) | {"image_mean": IMAGENET_DEFAULT_MEAN, "image_std": IMAGENET_DEFAULT_STD},
    ),
    "vjepa2": Case(lambda: _vjepa2(), 32, IMAGENET, (0, 0), {"skip_predictor": True}, 16),
    "vjepa2, head divisible by six": Case(
        lambda: _vjepa2(hidden_size=48, mlp_ratio=48 / 11), 32, IMAGENET, (0, 0), {"skip_predictor": True}, 16
    ),
    "mae": Case(
        lambda: transformers.ViTMAEModel(transformers.ViTMAEConfig(**PLAIN, mask_ratio=0.0)),
        24,
        IMAGENET,
        options={"noise": torch.arange(9.0)[None]},
    ),
    "mae, other size": Case(
        lambda: transformers.ViTMAEModel(transformers.ViTMAEConfig(**PLAIN, mask_ratio=0.0)),
        40,
        IMAGENET,
        options={"noise": torch.arange(25.0)[None], **ANY_SIZE},
        processor=_squash(40),
    ),
    "mae with its decoder": Case(
        lambda: transformers.ViTMAEForPreTraining(
            transformers.ViTMAEConfig(
                **PLAIN,
                mask_ratio=0.0,
                decoder_hidden_size=16,
                decoder_num_hidden_layers=1,
                decoder_num_attention_heads=2,
                decoder_intermediate_size=16,
            )
        ),
        24,
        IMAGENET,
        options={"noise": torch.arange(9.0)[None]},
        tower="vit",
    ),
    "vit": Case(lambda: transformers.ViTModel(transformers.ViTConfig(**PLAIN)), 24, HALF),
    "vit, classifier, other size": Case(
        lambda: transformers.ViTForImageClassification(transformers.ViTConfig(**PLAIN)),
        16,
        HALF,
        options=ANY_SIZE,
        tower="vit",
        processor=_squash(16),
    ),
    "clip, vision tower": Case(lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**PLAIN)), 24, CLIP),
    "clip, both towers": Case(_clip, 24, CLIP, tower="vision_model"),
    "siglip, vision tower": Case(
        lambda: transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**PLAIN)), 24, HALF, (0, 0)
    ),
    "siglip, both towers, other size": Case(
        _siglip, 40, HALF, (0, 0), ANY_SIZE, tower="vision_model", processor=_squash(40)
    ),
}


def disturbed(model: torch.nn.Module, seed: int = 0, scale: float = 0.2) -> torch.nn.Module:
    """Noise on every weight: norms, scales and biases must matter, whatever they start as."""
    draws = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight += scale * torch.randn(weight.shape, generator=draws)
    return model.eval()


def _depth(model: torch.nn.Module) -> torch.nn.ModuleList:
    """The stack of blocks: the first list of as many modules as the configuration has layers."""
    count = model.config.num_hidden_layers
    return next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count)


def sequences(model: torch.nn.Module, pixels: torch.Tensor, case: Case) -> list[np.ndarray]:
    """What the class of transformers makes of these pixels: embedding, after each block, and its output.

    Blocks are listened to one by one: what `hidden_states[-1]` means has changed between releases.
    """
    model = getattr(model, case.tower) if case.tower else model
    heard: list[torch.Tensor] = []
    hooks = [_depth(model)[0].register_forward_pre_hook(lambda _, given: heard.append(given[0]))]
    hooks += [
        block.register_forward_hook(lambda _, __, out: heard.append(out[0] if isinstance(out, tuple) else out))
        for block in _depth(model)
    ]
    options = dict(case.options)
    if "noise" in options:
        options["noise"] = options["noise"].expand(len(pixels), -1)
    if case.frames:
        pixels = pixels[:, None].expand(-1, case.frames, -1, -1, -1)
    with torch.no_grad():
        heard.append(model(pixels, **options).last_hidden_state)
    for hook in hooks:
        hook.remove()
    return [x.numpy() for x in heard]


def normalised(photos: Sequence[Photo], statistics: tuple[Sequence[float], Sequence[float]]) -> torch.Tensor:
    """Pixels of photos that have the right size already, by the textbook."""
    mean, deviation = (np.array(s, np.float64) for s in statistics)
    pixels = np.stack([(photo.pixels / 255 - mean) / deviation for photo in photos])
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32))


def discrepancy(tokens: Tokens, sequence: np.ndarray, case: Case) -> float:
    """Largest difference between our tokens and a sequence of transformers, relative to its largest value."""
    cls, registers = case.prefix
    grid = tokens.grid
    patches = sequence[:, cls + registers :]
    pairs: list[tuple[np.ndarray, np.ndarray]] = [(tokens.registers, sequence[:, cls : cls + registers])]
    if cls:
        assert tokens.cls is not None
        pairs.append((tokens.cls, sequence[:, 0]))
    else:
        assert tokens.cls is None
    if case.frames:
        assert tokens.frames is not None
        in_time = patches.reshape(len(patches), -1, *grid, patches.shape[-1])
        pairs += [(tokens.frames, in_time), (tokens.patches, in_time.mean(1))]
    else:
        assert tokens.frames is None
        pairs.append((tokens.patches, patches.reshape(len(patches), *grid, -1)))
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape
        assert ours.dtype == np.float32
    return max(np.abs(ours - theirs).max(initial=0) for ours, theirs in pairs) / np.abs(sequence).max()


def photographed(size: int, count: int = 2, seed: int = 0) -> list[Photo]:
    """Photos of noise with a bright corner and a red half: nothing in them is symmetric."""
    draws = np.random.default_rng(seed)
    photos = []
    for index in range(count):
        pixels = draws.integers(0, 200, (size, size, 3), dtype=np.uint8)
        pixels[: size // 3, : size // 2] += 50
        pixels[:, size // 2 :, 0] //= 3
        photos.append(Photo(f"photo-{index}", pixels))
    return photos


@dataclass(frozen=True)
class Published:
    """A saved model: the folder, and the model of transformers it was saved from."""

    folder: Path
    model: torch.nn.Module
    case: Case
    photos: list[Photo]

    def expected(self) -> list[np.ndarray]:
        return sequences(self.model, normalised(self.photos, self.case.statistics), self.case)


def publish(case: Case, folder: Path) -> Published:
    """Save a case's model as its authors would."""
    model = disturbed(case.build())
    model.save_pretrained(folder)
    if case.processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(case.processor))
    return Published(folder, model, case, photographed(case.size))
