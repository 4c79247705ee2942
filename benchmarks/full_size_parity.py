"""Our transformer against transformers' own at full size: published shapes, random weights, every layer.

    python benchmarks/full_size_parity.py dinov2-vit-l14 --dtype bfloat16

Weights are drawn at random, rounded to `--dtype`, saved as their authors publish them, and loaded as
NAME@DIR. Each side runs in a process of its own, so that each has its own peak of memory.
"""

import argparse
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

SIDE = {"dinov2-vit-l14": 224, "ijepa-vit-h14": 224, "vjepa2-vitl-img16-256": 256, "eupe-vit-b16": 256}
IMAGENET, HALF = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), ([0.5] * 3, [0.5] * 3)


@dataclass(frozen=True)
class Measured:
    """What one side took: seconds to load and to run one photo, and its peak of memory in GiB."""

    load: float
    run: float
    peak: float


def model_of(name: str) -> Any:
    """The published shape as the class of transformers, with random weights."""
    import transformers as t

    shape: dict[str, Any]
    if name.startswith("dinov2"):
        shape = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
        return t.Dinov2Model(t.Dinov2Config(**shape, image_size=518, patch_size=14))
    if name.startswith("ijepa"):
        shape = {"hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16, "intermediate_size": 5120}
        return t.IJepaModel(t.IJepaConfig(**shape, image_size=224, patch_size=14, layer_norm_eps=1e-6))
    if name.startswith("vjepa2"):
        return t.VJEPA2Model(t.VJEPA2Config())
    shape = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    return t.DINOv3ViTModel(t.DINOv3ViTConfig(**shape, num_register_tokens=4, image_size=256))


def upstream(weights: dict[str, Any]) -> dict[str, Any]:
    """DINOv3's weights by the names of EUPE's repository: fused, with a bias for the keys that is masked out."""
    import torch

    blocks = 1 + max(int(key.split(".")[2]) for key in weights if ".layer." in key)
    made = {"cls_token": weights["embeddings.cls_token"], "storage_tokens": weights["embeddings.register_tokens"]}
    for kind in ("weight", "bias"):
        made[f"patch_embed.proj.{kind}"] = weights[f"embeddings.patch_embeddings.{kind}"]
        made[f"norm.{kind}"] = weights[f"norm.{kind}"]
    same = {"attn.proj": "attention.o_proj", "norm1": "norm1", "norm2": "norm2"}
    same |= {"mlp.fc1": "mlp.up_proj", "mlp.fc2": "mlp.down_proj"}
    for i in range(blocks):
        old, new = f"model.layer.{i}.", f"blocks.{i}."
        parts = [f"{old}attention.{part}_proj" for part in "qkv"]
        bias = weights[f"{parts[0]}.bias"]
        made[f"{new}attn.qkv.weight"] = torch.cat([weights[f"{part}.weight"] for part in parts])
        made[f"{new}attn.qkv.bias"] = torch.cat([bias, torch.ones_like(bias), weights[f"{parts[2]}.bias"]])
        for ours, theirs in same.items():
            made |= {f"{new}{ours}.{kind}": weights[f"{old}{theirs}.{kind}"] for kind in ("weight", "bias")}
        made |= {f"{new}ls{k}.gamma": weights[f"{old}layer_scale{k}.lambda1"] for k in "12"}
    return made


def photo_of(name: str) -> Any:
    """Noise with a bright corner, already of the size the encoder sees."""
    side = SIDE[name]
    pixels = np.random.default_rng(0).integers(0, 200, (side, side, 3), dtype=np.uint8)
    pixels[: side // 3, : side // 2] += 50
    return pixels


def saved(name: str, folder: Path, dtype: str) -> Any:
    """The model with random weights rounded to this precision, and saved as its authors publish it."""
    import torch

    torch.manual_seed(0)
    model = model_of(name).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.02)
    model.to(getattr(torch, dtype))
    folder.mkdir(exist_ok=True)
    if name.startswith("eupe"):
        torch.save(upstream(model.state_dict()), folder / "EUPE-ViT-B.pt")
    else:
        model.save_pretrained(folder)
    return model


def theirs(name: str, folder: Path, dtype: str) -> Measured:
    """Save the model, and what transformers says at every layer."""
    import torch

    model = saved(name, folder, dtype)
    model.float()
    mean, deviation = HALF if name.startswith("ijepa") else IMAGENET
    pixels = torch.tensor(((photo_of(name) / 255 - mean) / deviation).astype(np.float32)).permute(2, 0, 1)[None]
    options = {}
    if name.startswith("vjepa2"):
        pixels, options = pixels[:, None].expand(-1, 16, -1, -1, -1), {"skip_predictor": True}
    heard: list[Any] = []
    depth = model.config.num_hidden_layers
    stack = next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == depth)
    stack[0].register_forward_pre_hook(lambda _, given: heard.append(given[0].numpy()))
    for block in stack:
        block.register_forward_hook(
            lambda _, __, out: heard.append((out[0] if isinstance(out, tuple) else out).numpy())
        )
    with torch.no_grad():
        begun = time.perf_counter()
        heard.append(model(pixels, **options).last_hidden_state.numpy())
        run = time.perf_counter() - begun
    np.save(folder / "expected.npy", np.stack(heard))
    return Measured(0.0, run, _peak())


def ours(name: str, folder: Path) -> tuple[Measured, list[float]]:
    """Load the folder, run the photo, and compare every layer with what was kept."""
    begun = time.perf_counter()
    from repscope.encoders import load
    from repscope.images.photo import Photo

    encoder = load(f"{name}@{folder}")
    loaded = time.perf_counter() - begun
    layers = [*range(encoder.contract.architecture.depth + 1), -1]
    begun = time.perf_counter()
    said = encoder([Photo("noise", photo_of(name))], layers)
    measured = Measured(loaded, time.perf_counter() - begun, _peak())
    expected = np.load(folder / "expected.npy", mmap_mode="r")
    return measured, [_error(tokens, sequence) for tokens, sequence in zip(said, expected, strict=True)]


def _error(tokens: Any, sequence: np.ndarray) -> float:
    """Largest difference over all tokens, relative to the largest value."""
    patches = tokens.patches if tokens.frames is None else tokens.frames
    rows = [tokens.registers[0], patches.reshape(-1, tokens.width)]
    if tokens.cls is not None:
        rows.insert(0, tokens.cls)
    return float(np.abs(np.concatenate(rows) - sequence[0]).max() / np.abs(sequence).max())


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SIDE), metavar="NAME", help=f"of {', '.join(SIDE)}")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of the saved weights")
    options = parser.parse_args()
    for name in options.names:
        if name not in SIDE:
            parser.error(f"{name} is none of {', '.join(SIDE)}")
        with tempfile.TemporaryDirectory() as place:
            folder, spawn = Path(place), get_context("spawn")
            with ProcessPoolExecutor(1, spawn) as side:
                reference = side.submit(theirs, name, folder, options.dtype).result()
            with ProcessPoolExecutor(1, spawn) as side:
                measured, errors = side.submit(ours, name, folder).result()
        worst = int(np.argmax(errors))
        print(
            f"{name} ({options.dtype}): largest relative error {max(errors):.1e} (layer {worst} of {len(errors) - 2}, "
            f"output {errors[-1]:.1e}); load {measured.load:.1f} s, one photo {measured.run:.1f} s "
            f"(transformers {reference.run:.1f} s), peak {measured.peak:.1f} GiB (transformers {reference.peak:.1f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
