"""An encoder whose tokens are known, and photos to show it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from repscope.encoders import Contract, available
from repscope.frames import Frame
from repscope.images import Photo
from repscope.tokens import Tokens


class Known:
    """An encoder made of a function from a photo's frame to patches (H, W, D)."""

    def __init__(self, name: str, see: Callable[[Photo, int], np.ndarray], cls: bool = False, whole: bool = False):
        self.contract: Contract = replace(available()["tiny-random"], name=name, pool="cls" if cls else "mean")
        self.revision, self.see, self.cls, self.whole = "known", see, cls, whole
        self.batches: list[int] = []

    def __call__(self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: str = "square"):
        self.batches.append(len(photos))
        frames = tuple(
            Frame() if self.whole and framing == "official" else Frame.square(*photo.size) for photo in photos
        )
        made = []
        for layer in layers:
            patches = np.stack([self.see(photo, layer) for photo in photos]).astype(np.float32)
            cls = patches.mean((1, 2)) if self.cls else None
            made.append(Tokens(patches, np.zeros((len(photos), 0, patches.shape[-1]), np.float32), cls, layer, frames))
        return tuple(made)


def smooth(photo: Photo, grid: tuple[int, int], d: int, seed: int) -> np.ndarray:
    """A smooth field of waves, another for every photo and seed, cut into a grid."""
    rng = np.random.default_rng([int(photo.sha256[:8], 16), seed + 9])
    places = np.stack(np.meshgrid(*((np.arange(s) + 0.5) / s for s in grid), indexing="ij"), -1)
    return np.cos(places @ rng.normal(size=(2, 20)) * 6 + rng.uniform(0, 7, 20)) @ rng.normal(size=(20, d))


def noisy_photo(name: str, seed: int, size: tuple[int, int] = (64, 48)) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Photo(name, pixels, name, f"{seed:064x}"[::-1])
