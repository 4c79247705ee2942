"""Training images in memory: Parquet in the Hugging Face image layout."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, UInt8
from numpy.typing import NDArray
from torch import Tensor

from repscope.errors import NoImages, UnfitData, UnreadableImage

LAYOUT = "the Hugging Face image layout has a column `image` of {bytes, path} and, where known, `label`"


@dataclass(frozen=True)
class TrainingSet:
    """Square uint8 images and their labels (-1 where there are none)."""

    pixels: UInt8[Tensor, "n 3 S S"]
    labels: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    def labelled(self) -> "TrainingSet":
        """The images whose label is known."""
        known = self.labels >= 0
        return self if known.all() else TrainingSet(self.pixels[known], self.labels[known])


def read(files: Sequence[Path], size: int) -> TrainingSet:
    """Every image of these Parquet files, in order, as RGB of `size` x `size`.

    Raises UnfitData for files of another layout, UnreadableImage for bytes that are no image,
    NoImages where there is none.
    """
    tables = [_table(file) for file in files]
    count = sum(len(table) for table in tables)
    if not count:
        raise NoImages(f"No image in {', '.join(map(str, files)) or 'an empty list of files'}; give Parquet files.")
    pixels = np.empty((count, 3, size, size), np.uint8)
    rows = ((file, place, row) for file, table in zip(files, tables, strict=True) for place, row in _images(table))
    for out, (file, place, row) in zip(pixels, rows, strict=True):
        out[:] = _decoded(row, size, f"{file}, row {place}").transpose(2, 0, 1)
    labels = [label for file, table in zip(files, tables, strict=True) for label in _labels(table, file)]
    return TrainingSet(torch.from_numpy(pixels), torch.tensor(labels))


def _table(file: Path) -> Any:
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        names = parquet.read_schema(file).names
        if "image" not in names:
            raise UnfitData(f"{file} has the columns {', '.join(names)}; {LAYOUT}.")
        return parquet.read_table(file, columns=[name for name in ("image", "label") if name in names])
    except (pyarrow.ArrowException, OSError) as error:
        raise UnfitData(f"{file} cannot be read as Parquet: {error}. Fetch or copy it again.") from None


def _images(table: Any) -> Iterator[tuple[int, Any]]:
    """Rows a batch at a time: a whole table as Python objects would be held twice."""
    place = 0
    for part in table.column("image").chunks:
        for row in part:
            yield place, row.as_py()
            place += 1


def _decoded(row: Any, size: int, source: str) -> NDArray[np.uint8]:
    from PIL import Image

    data = row.get("bytes") if isinstance(row, dict) else None
    if not isinstance(data, bytes):
        raise UnfitData(f"{source}: the image's bytes are not there; {LAYOUT}.")
    try:
        image = Image.open(io.BytesIO(data)).convert("RGB")
    except Exception as error:  # on a broken file Pillow's plugins raise whatever they stumble over
        raise UnreadableImage(f"{source}: no image that can be read: {error}. Leave it out or mend it.") from None
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _labels(table: Any, file: Path) -> list[int]:
    if "label" not in table.column_names:
        return [-1] * len(table)
    labels = [-1 if label is None else label for label in table.column("label").to_pylist()]
    if not all(isinstance(label, int) for label in labels):
        raise UnfitData(f"{file} has labels that are no whole numbers; number the classes, or leave `label` out.")
    return labels
