"""Training images in memory: Parquet in the Hugging Face image layout."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from repscope.errors import UnfitData


@dataclass(frozen=True)
class TrainingSet:
    """Square uint8 images and their labels (-1 where there are none)."""

    pixels: UInt8[Tensor, "n 3 S S"]
    labels: Int[Tensor, "n"]  # noqa: F821  a shape, not a name

    def __len__(self) -> int:
        return len(self.labels)


def read(files: Sequence[Path], size: int) -> TrainingSet:
    """Every image of these Parquet files, in order, as RGB of `size` x `size`."""
    import pyarrow.parquet as parquet
    from PIL import Image

    pixels, labels = [], []
    for file in files:
        table = parquet.read_table(file)
        for row in table.column("image").to_pylist():
            image = Image.open(io.BytesIO(row["bytes"])).convert("RGB")
            if image.size != (size, size):
                image = image.resize((size, size), Image.Resampling.BICUBIC)
            pixels.append(np.asarray(image))
        known = "label" in table.column_names
        labels.extend(table.column("label").to_pylist() if known else [-1] * len(table))
    if not pixels:
        raise UnfitData(f"No image in {', '.join(map(str, files)) or 'an empty list of files'}; give Parquet files.")
    stacked = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return TrainingSet(stacked, torch.tensor(labels))
