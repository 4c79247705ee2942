"""An encoder that sees mean colours, and sources of small pictures: a row says which image it is of."""

import csv
import io
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import parquet

from repscope.encoders import Contract, available
from repscope.frames import Frame
from repscope.images import Photo
from repscope.tokens import Tokens

GRID, WIDTH = 4, 6


class Colours:
    """Patches are the mean colour of each sixteenth of a picture, and its square; CLS is that of all.

    Layer 0 is negative, so that layers are told apart.
    """

    precision = "float32"

    def __init__(self, name: str = "colours", cls: bool = True, factor: float = 1.0):
        tiny = available()["tiny-random"]
        form = replace(
            tiny.architecture, width=WIDTH, heads=1, position="learned", cls=cls, depth=2, patch=8, grid=(GRID, GRID)
        )
        shown = replace(tiny.preprocessing, size=8 * GRID)
        pool = "cls" if cls else "mean"
        self.contract: Contract = replace(tiny, name=name, architecture=form, preprocessing=shown, pool=pool)
        self.cls, self.factor = cls, factor
        self.revision = f"test, sha256 {int(factor * 1000):064x}"
        self.seen = 0

    def __call__(self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: str = "square"):
        self.seen += len(photos)
        patches = self.factor * np.stack([colours(photo.pixels) for photo in photos]).astype(np.float32)
        frames = tuple(Frame.square(*p.size) if framing == "square" else Frame() for p in photos)
        none = np.zeros((len(photos), 0, WIDTH), np.float32)
        signs = [-1 if layer == 0 else 1 for layer in layers]
        return tuple(
            Tokens(s * patches, none, s * patches.mean((1, 2)) if self.cls else None, layer, frames)
            for s, layer in zip(signs, layers, strict=True)
        )


def colours(pixels: np.ndarray) -> np.ndarray:
    """(4, 4, 6) of a picture, in units of 1."""
    height, width = (side // GRID * GRID for side in pixels.shape[:2])
    cells = pixels[:height, :width].reshape(GRID, height // GRID, GRID, width // GRID, 3) / 255
    means = cells.mean((1, 3))
    return np.concatenate([means, means**2], -1)


def pixels(seed: int, size: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def png(seed: int, size: int = 16) -> bytes:
    made = io.BytesIO()
    Image.fromarray(pixels(seed, size)).save(made, "PNG")
    return made.getvalue()


def folder(where: Path, count: int, classes: int = 3) -> Path:
    """`count` pictures, spread over sub-folders a, b, c."""
    for seed in range(count):
        inside = where / "abcdefghij"[seed % classes]
        inside.mkdir(parents=True, exist_ok=True)
        (inside / f"{seed}.png").write_bytes(png(seed))
    return where


def parquet_file(path: Path, seeds: Sequence[int], names: Sequence[str] = (), group: int = 10, **columns) -> Path:
    """The Hugging Face layout; labels are seed mod 3."""
    images = [{"bytes": png(seed), "path": f"{seed}.png"} for seed in seeds]
    schema = {"image": images, "label": [seed % 3 for seed in seeds], **columns}
    table = pa.table(schema)
    if names:
        import json

        about = {"info": {"features": {"label": {"names": list(names), "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, row_group_size=group)
    return path


def tar_file(path: Path, seeds: Sequence[int], described: bool = False) -> Path:
    """A WebDataset shard: 0001.png beside 0001.cls, or 0001.json."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for seed in seeds:
            label = f'{{"label": {seed % 3}}}' if described else str(seed % 3)
            beside = f"{seed:04d}.{'json' if described else 'cls'}"
            for name, data in ((f"{seed:04d}.png", png(seed)), (beside, label.encode())):
                about = tarfile.TarInfo(name)
                about.size = len(data)
                archive.addfile(about, io.BytesIO(data))
    return path


def list_file(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that is not hidden, by its path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            found[str(name)] = path.read_bytes()
    return found
