"""Panels of made tokens, and how far what they say is off."""

import base64

import numpy as np
from numpy.typing import NDArray

from repscope.analyses._codes import Seen, coded, unit
from repscope.report import Look, Panel

BOUND = 0.02


NONE = "not removed here"


def seen(patches: NDArray[np.floating]) -> Seen:
    colours = np.zeros((*patches.shape[:2], 3), np.uint8)
    return Seen(patches, (0.0, 0.0, 1.0, 1.0), colours, np.ones(patches.shape[:2]))


def panel(*grids: NDArray[np.floating]) -> Panel:
    return coded("one", [seen(grid) for grid in grids], np.zeros((0, grids[0].shape[-1])), without_position=NONE)


def on_the_page(look: Look) -> int:
    parts = look.codes, look.scales, look.offset, look.lengths, look.colours, look.attention
    return sum(len(base64.b64encode(part)) for part in parts)


def drawn(decay: float, width: int, side: int = 16, seed: int = 0, mean: float = 0.0) -> NDArray[np.floating]:
    """Patches whose spectrum falls as a power, in a random basis, with a common mean."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(side * side, width)) * np.arange(1, width + 1) ** (-decay / 2)
    turned = values @ np.linalg.qr(np.random.default_rng(9).normal(size=(width, width)))[0]
    return (turned + mean * np.random.default_rng(8).normal(size=width)).reshape(side, side, width)


def within(one: Panel, photo: int, grid: NDArray[np.floating], kind: str, position: NDArray[np.floating]) -> float:
    exact = unit(grid.reshape(-1, grid.shape[-1]).astype(np.float32).astype(np.float64), kind, position)
    found = np.stack([one.similarity(photo, divmod(p, grid.shape[1]), kind).ravel() for p in range(len(exact))])
    return float(np.abs(found - exact @ exact.T).max())


def planted(photos: int, strength: float) -> list[NDArray[np.floating]]:
    """Smooth fields of 40 dimensions with two of position on top."""
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    down, across = np.mgrid[-1:1:12j, -1:1:12j]
    place = strength * (down[..., None] * basis[0] + (across**2 - 0.37)[..., None] * basis[1])
    fields = rng.normal(size=(photos, 14, 14, 38))
    smooth = sum(fields[:, i : i + 12, j : j + 12] for i in range(3) for j in range(3)) / 3
    return [field @ basis[2:] + place + rng.normal(size=40) for field in smooth]
