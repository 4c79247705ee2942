"""A small probe, every name of it chosen, and a smooth picture."""

import io

import numpy as np
from PIL import Image

from repscope.analyses._codes import Seen, coded
from repscope.report import Panel, Pin, Probe, Snapshot


def photo(height: int = 60, width: int = 90) -> np.ndarray:
    """A smooth picture that no two runs draw differently."""
    down, across = np.mgrid[:height, :width]
    return np.stack([255 * down / height, 255 * across / width, 120 + 60 * np.sin(across / 9)], -1).astype(np.uint8)


def probe(name: str) -> Probe:
    """Two photos under an encoder, and one that failed."""
    rng = np.random.default_rng(0)
    seen = [Seen(rng.normal(size=(3, 4, 6)), (0.0, 0.0, 1.0, 1.0), np.zeros((3, 4, 3), np.uint8)) for _ in range(2)]
    panel = coded(name, seen, np.zeros((0, 6)), without_position=name, attention=name)
    out = io.BytesIO()
    Image.fromarray(photo()).save(out, "JPEG")
    shown = Snapshot(name, (0.0, 0.0, 1.0, 1.0), (90, 60), out.getvalue())
    return Probe(name, (shown, shown), (panel, Panel(name, reason=name)), (Pin(0, 0.5, 0.5, name),), name)
