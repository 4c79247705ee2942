"""What is asked of a site: its name, and pictures to drop in."""

import io

import numpy as np
from PIL import Image

HOST = "127.0.0.1:8760"


def png(seed: int = 0) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()
