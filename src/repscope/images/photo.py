"""Photo: decoded pixels, where they come from, and what had to be done to them."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from repscope.images.pace import Pace


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One image, upright, in sRGB, without alpha.

    Attributes:
        id: A stable name, unique among the photos of a run.
        pixels: (H, W, 3) uint8.
        source: Path or origin, as given.
        sha256: Of the bytes that were decoded.
        notes: What was done on the way: rotated by EXIF, converted from CMYK, ...
        pace: How it was decoded, and is scaled to what an encoder is shown.
    """

    id: str
    pixels: UInt8[NDArray[np.uint8], "H W 3"]
    source: str = ""
    sha256: str = ""
    notes: tuple[str, ...] = field(default=())
    pace: Pace = "exact"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image that could not be shown, and why."""

    source: str
    reason: str
