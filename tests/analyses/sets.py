"""Sets of images whose embeddings and patches are known."""

import numpy as np

from repscope.frames import Frame
from repscope.images import Photo
from repscope.report import Number, Report
from repscope.store import Given, Sample


def picture(seed: int, sha256: str | None = None) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return Photo(f"image {seed:03d}", pixels, f"image {seed:03d}", f"{seed:064x}" if sha256 is None else sha256)


def turned(x: np.ndarray, seed: int = 1) -> np.ndarray:
    """A rotated, scaled, shifted copy."""
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(x.shape[1],) * 2))[0]
    return 3 * x @ turn + 1


def sample(patches: np.ndarray, rows: np.ndarray | None = None) -> Sample:
    rows = np.arange(len(patches)) if rows is None else rows
    return Sample(rows, patches.astype(np.float32), (Frame(),) * len(patches))


def shuffled(images: Given, order: np.ndarray, **more) -> Given:
    """The same images in another order."""
    layers = {n: {k: images.embedding(n, layer=k)[order] for k in images.layers(n)} for n in images.encoders}
    return Given(layers, ids=images.ids[order].tolist(), name=images.name, **more)


def block_of(report: Report, title: str):
    (found,) = (block for block in report.blocks if getattr(block, "title", None) == title)
    return found


def cell(report: Report, title: str, row: str, column: str) -> Number:
    block = block_of(report, title)
    if hasattr(block, "cells"):
        return block.cells[block.rows.index(row)][block.columns.index(column)]
    (found,) = (each for each in block.rows if each[0] == row)
    return found[block.header.index(column)]


def complete(report: Report) -> list[Number]:
    """Numbers that do not say all that must be known of them."""
    return [
        number
        for number in report.numbers()
        if not number.definition
        or (number.value is None and not number.reason)
        or (number.value is not None and number.ci is None and not number.caveats and number.value not in (0.0, 1.0))
    ]
