"""What the published processors make of drawn pictures: writes src/repscope/checks/data/processors.json.

    python benchmarks/processor_digests.py

Run again when a rule is added; a test compares the file with what this makes. The processors are those of transformers
in Pillow. Two need torchvision, which is not wanted here: V-JEPA 2's recipe is run through another processor in Pillow,
and DINOv3's resize is written out in float64.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from repscope.checks._drawn import SIZES, textured

HERE = Path(__file__).parent
FILE = HERE.parent / "src" / "repscope" / "checks" / "data" / "processors.json"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5,) * 3, (0.5,) * 3)
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
SATELLITE = ((0.430, 0.411, 0.296), (0.213, 0.156, 0.143))
FILTERS = {"bilinear": 2, "bicubic": 3}
SAMPLES = 24
Rule = tuple[str, str, int, int, str, tuple[tuple[float, ...], tuple[float, ...]], str, str]

RULES: dict[str, Rule] = {  # class, resize, edge, size, filter, statistics, digest of the COCO picture, source
    "dinov2": (
        *("Bit", "shortest", 256, 224, "bicubic", IMAGENET),
        "8d1c0a9a1561bf1d0dd72a11ac9f8762d5429c803444c51ff3e1ffe2789e8dbf",
        "preprocessor_config.json of facebook/dinov2-*; the same in dinov2/data/transforms.py of the authors",
    ),
    "dinov3": (
        *("DINOv3ViT", "squash", 0, 224, "bilinear-float", IMAGENET),
        "21ddfd77c9a925ba2f6a1b819c34ed0e0e9a961851184694c4a14eb8054081ea",
        "defaults of DINOv3ViTImageProcessor in transformers",
    ),
    "dinov3-sat": (
        *("DINOv3ViT", "squash", 0, 224, "bilinear-float", SATELLITE, ""),
        "defaults of DINOv3ViTImageProcessor in transformers, statistics from the README of facebookresearch/dinov3",
    ),
    "eupe": (
        *("ViT", "squash", 0, 256, "bilinear", IMAGENET, ""),
        "README of facebookresearch/EUPE (resize to 256 x 256, bilinear); run through ViTImageProcessorPil",
    ),
    "ijepa": (
        *("ViT", "squash", 0, 224, "bilinear", HALF),
        "9c61c396ed92f9bbb184caa861dae5cb20c40d3fe457eb78cee5a1c7b1528fa1",
        "ViTImageProcessor with its defaults, as src/transformers/models/ijepa/convert_ijepa_to_hf.py has it",
    ),
    "ijepa-448": (
        *("ViT", "squash", 0, 448, "bilinear", HALF),
        "a353e38917e52f30be37dbc0649d4efd0feefb5a438f3ae8a5ae23defd1b3c9f",
        "ViTImageProcessor at 448, as src/transformers/models/ijepa/convert_ijepa_to_hf.py has it",
    ),
    "vjepa2": (
        *("Bit", "shortest", 292, 256, "bilinear", IMAGENET),
        "787591e0bc8c22c7bc854c5ef9a12176d10323b0ea1923ca0defcbd541e9813d",
        "VJEPA2VideoProcessor in transformers; its recipe run through BitImageProcessorPil",
    ),
    "vjepa2-384": (
        *("Bit", "shortest", 438, 384, "bilinear", IMAGENET, ""),
        "VJEPA2VideoProcessor in transformers at 384; its recipe run through BitImageProcessorPil",
    ),
    "mae": (
        *("ViT", "squash", 0, 224, "bilinear", IMAGENET),
        "fba0fc357b92372dc3ef4d37d1cd2442ee1143552ec804d331441455cd9570c9",
        "preprocessor_config.json of facebook/vit-mae-base and facebook/dino-*",
    ),
    "vit": (
        *("ViT", "squash", 0, 224, "bilinear", HALF),
        "9c61c396ed92f9bbb184caa861dae5cb20c40d3fe457eb78cee5a1c7b1528fa1",
        "preprocessor_config.json of google/vit-*-patch16-224",
    ),
    "clip": (
        *("CLIP", "shortest", 224, 224, "bicubic", CLIP),
        "4378fd13aa41609ebcc4403be60253f45095a0a942fb9b7b117b5a7a90e6cb19",
        "preprocessor_config.json of openai/clip-vit-*",
    ),
    "siglip": (
        *("Siglip", "squash", 0, 224, "bicubic", HALF),
        "27f9c5fc346dc9706fc4f84033598d7cc1ba1d4f9eceb09de7eb40c2b5e59054",
        "preprocessor_config.json of google/siglip-*-224",
    ),
    "lab": (*("Bit", "shortest", 128, 128, "bicubic", IMAGENET, ""), "BitImageProcessorPil with the lab's numbers"),
}

ENCODERS = {
    **{f"dinov2-{kind}vit-{size}14": "dinov2" for kind in ("", "reg-") for size in "sblg"},
    **{f"dinov3-vit-{size}": "dinov3" for size in ("s16", "s16plus", "b16", "l16", "h16plus", "7b16")},
    **{f"dinov3-vit-{size}-sat": "dinov3-sat" for size in ("l16", "7b16")},
    **{f"eupe-vit-{size}16": "eupe" for size in "tsb"},
    **dict.fromkeys(("ijepa-vit-h14", "ijepa-vit-h14-22k", "ijepa-vit-g16"), "ijepa"),
    "ijepa-vit-h16-448": "ijepa-448",
    **{f"vjepa2-vit{size}-img16-256": "vjepa2" for size in "lhg"},
    "vjepa2-vitg-img16-384": "vjepa2-384",
    **{f"mae-vit-{size}": "mae" for size in ("b16", "l16", "h14")},
    **{f"dino-vit-{size}": "mae" for size in ("s8", "s16", "b8", "b16")},
    **{f"vit-{size}16": "vit" for size in "bl"},
    **{f"clip-vit-{size}": "clip" for size in ("b32", "b16", "l14")},
    **dict.fromkeys(("siglip-vit-b16", "siglip-so400m"), "siglip"),
}
"""By name, and not by what the contracts say: a contract that is wrong must be found."""


def processed(rule: Rule, pixels: np.ndarray) -> np.ndarray:
    """(3, S, S) float32 by the processor of a rule; float64 where it is written out here."""
    kind, resize, edge, size, by, (mean, deviation), *_ = rule
    if kind == "DINOv3ViT":
        return triangular(pixels, size, mean, deviation)
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    square = {"height": size, "width": size}
    sides: dict[str, Any] = {"size": square}
    if resize == "shortest":
        sides = {"size": {"shortest_edge": edge}, "crop_size": square}
    made = {
        "Bit": BitImageProcessorPil,
        "CLIP": CLIPImageProcessorPil,
        "Siglip": SiglipImageProcessorPil,
        "ViT": ViTImageProcessorPil,
    }[kind](**sides, resample=FILTERS[by], image_mean=list(mean), image_std=list(deviation))
    return made(Image.fromarray(pixels), return_tensors="np")["pixel_values"][0]


def triangular(pixels: np.ndarray, size: int, mean: tuple[float, ...], deviation: tuple[float, ...]) -> np.ndarray:
    """Rescaled, resized by the triangle filter that widens when it shrinks, normalised; nothing is rounded."""

    def weights(length: int) -> np.ndarray:
        scale = length / size
        centres = (np.arange(size) + 0.5) * scale
        drawn = np.maximum(0, 1 - np.abs(np.arange(length) + 0.5 - centres[:, None]) / max(scale, 1.0))
        return drawn / drawn.sum(1, keepdims=True)

    down, across = (weights(length) for length in pixels.shape[:2])
    scaled = np.einsum("yh,xw,hwc->cyx", down, across, pixels / 255, optimize=True)
    return (scaled - np.array(mean)[:, None, None]) / np.array(deviation)[:, None, None]


def described(name: str) -> dict[str, Any]:
    """A rule, and what it makes of each picture."""
    rule = RULES[name]
    kind, resize, edge, size, by, (mean, deviation), coco, source = rule
    exact = kind != "DINOv3ViT"
    made = {
        "processor": f"{kind}ImageProcessor{'Pil' if exact else ''}",
        "source": source,
        "rule": {
            **{"size": size, "resize": resize, "edge": edge, "filter": by},
            **{"mean": list(mean), "deviation": list(deviation)},
        },
        "exact": exact,
        "pictures": {},
    }
    for width, height in SIZES:
        photo = textured(width, height)
        out = processed(rule, photo.pixels)
        places = np.linspace(0, out.size - 1, SAMPLES).astype(int)
        made["pictures"][photo.id] = {
            **({"sha256": hashlib.sha256(np.ascontiguousarray(out, "<f4")).hexdigest()} if exact else {}),
            "samples": [round(float(value), 6) for value in out.ravel()[places]],
        }
    if coco:
        made["coco"] = coco
    return made


def all_of_it() -> dict[str, Any]:
    import PIL
    import transformers

    return {
        "about": (
            "What the published processors make of drawn pictures (checks/_drawn.py, textured), as SHA-256 of float32 "
            f"little-endian (3, S, S), and {SAMPLES} values evenly spread over it. `coco` is the same digest of the "
            "COCO picture by the same processors (transformers 5.23.0, Pillow 12.3.0). Where `exact` is false the "
            "processor's resize is written out in float64, and values agree to rounding."
        ),
        "versions": {"transformers": transformers.__version__, "pillow": PIL.__version__, "numpy": np.__version__},
        "encoders": ENCODERS,
        "rules": {name: described(name) for name in RULES},
    }


def written() -> str:
    """As the file has it: a list of numbers is one line."""
    text = json.dumps(all_of_it(), indent=1)
    return re.sub(r"\[[\d\s.,e+-]+\]", lambda found: " ".join(found[0].split()).replace("[ ", "["), text) + "\n"


if __name__ == "__main__":
    FILE.write_text(written())
