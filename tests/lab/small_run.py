"""A recipe, images and Parquet files so small that a run takes a moment."""

import io
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
from PIL import Image

from repscope.encoders.vit import Architecture

SHAPE = Architecture(width=16, depth=2, heads=2, hidden=32, patch=4, grid=(4, 4), cls=False, position="sincos")

RECIPE = """
size = 16
epochs = 2
batch = 16
rate = 2e-3
warmup = 2

[architecture]
width = 16
depth = 2
heads = 2
hidden = 32
patch = 4
grid = [4, 4]
cls = false
position = "sincos"
"""


def drawn(count: int, side: int = 16, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    """Stripes in four directions, of any phase and colour, and which direction: (n, S, S, 3) and labels."""
    random = np.random.default_rng(seed)
    row, column = np.mgrid[:side, :side] * (2 * np.pi / 8)
    fields = (row, column, row + column, row - column)
    labels = [place % 4 for place in range(count)]
    waves = np.stack([np.sin(fields[label] + random.uniform(0, 6)) for label in labels])[..., None]
    pixels = 128 + 80 * waves * random.uniform(0.5, 1, (count, 1, 1, 3)) + random.normal(0, 5, (count, side, side, 3))
    return pixels.clip(0, 255).astype(np.uint8), labels


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def parquet_file(path: Path, pixels: np.ndarray, labels: list[int] | None) -> Path:
    columns: dict[str, list] = {"image": [{"bytes": png(p), "path": f"{i}.png"} for i, p in enumerate(pixels)]}
    if labels is not None:
        columns["label"] = labels
    parquet.write_table(pyarrow.table(columns), path)
    return path
