"""Checkpoints of which it is known how far each has moved, and what a report says of them."""

from pathlib import Path

import numpy as np
from known import Known, noisy_photo, smooth

from repscope.report import Note, Number, Report

GRID, WIDTH = (9, 9), 12


def moving(name: str, share: float, seed: int = 0) -> Known:
    """Patches that are `share` of one field and the rest of another: the more, the further from the start."""

    def see(photo, layer):
        one, other = smooth(photo, GRID, WIDTH, seed), smooth(photo, GRID, WIDTH, seed + 50)
        return np.sqrt(1 - share) * one + np.sqrt(share) * other

    return Known(name, see)


def collapsed(name: str) -> Known:
    return Known(name, lambda photo, layer: np.full((*GRID, WIDTH), 2.0) * (1 + int(photo.sha256[:4], 16)))


def many(count: int) -> list:
    return [noisy_photo(f"{k}.png", 900 + k) for k in range(count)]


def block_of(report: Report, title: str):
    (found,) = (block for block in report.blocks if getattr(block, "title", None) == title)
    return found


def row(report: Report, title: str, name: str) -> dict[str, Number]:
    table = block_of(report, title)
    (cells,) = (cells for cells in table.rows if cells[0] == name)
    return dict(zip(table.header, cells, strict=True))


def said(report: Report, kind: str = "") -> list[str]:
    return [block.text for block in report.blocks if isinstance(block, Note) and kind in ("", block.kind)]


BEFORE, LAST = "Patches: similarity to the one before", "Patches: similarity to the last"


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder
