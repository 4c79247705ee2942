"""Photos whose every pixel differs from its neighbours, in every shape; and the published rules."""

import numpy as np
import pytest

from repscope.encoders.contract import Preprocessing
from repscope.images import Photo

IMAGENET = {"mean": (0.485, 0.456, 0.406), "deviation": (0.229, 0.224, 0.225)}
HALF = {"mean": (0.5, 0.5, 0.5), "deviation": (0.5, 0.5, 0.5)}
CLIP = {"mean": (0.48145466, 0.4578275, 0.40821073), "deviation": (0.26862954, 0.26130258, 0.27577711)}

RULES = {
    "dinov2": Preprocessing(size=224, resize="shortest", edge=256, filter="bicubic", **IMAGENET),
    "clip": Preprocessing(size=224, resize="shortest", edge=224, filter="bicubic", **CLIP),
    "siglip": Preprocessing(size=224, resize="squash", filter="bicubic", **HALF),
    "vit": Preprocessing(size=224, resize="squash", filter="bilinear", **HALF),
    "mae": Preprocessing(size=224, resize="squash", filter="bilinear", **IMAGENET),
    "ijepa-448": Preprocessing(size=448, resize="squash", filter="bilinear", **HALF),
    "eupe": Preprocessing(size=256, resize="squash", filter="bilinear", **IMAGENET),
    "vjepa2": Preprocessing(size=256, resize="shortest", edge=292, filter="bilinear", **IMAGENET),
    "dinov3": Preprocessing(size=224, resize="squash", filter="bilinear-float", **IMAGENET),
}

SIZES = [
    (500, 375),  # width, height
    (375, 500),
    (224, 224),
    (256, 256),
    (341, 257),
    (97, 211),
    (8, 8),
    (9, 8),
    (8, 300),
    (633, 19),
    (1203, 801),
]


def _photo(width: int, height: int, seed: int = 0) -> Photo:
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    smooth = np.stack([200 * rows, 180 * columns, 120 * (rows + columns)], -1)
    noise = np.random.default_rng(seed).normal(0, 25, smooth.shape)
    return Photo(f"{width}x{height}", np.clip(smooth + noise, 0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def photo():
    """Gradients, another in each channel and direction, under noise."""
    return _photo


@pytest.fixture(scope="session")
def rules():
    return RULES


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def any_photo(request):
    return _photo(*request.param)
