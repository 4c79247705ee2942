"""Tokens: what an encoder says about a batch of photos at one layer."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitData, Unsupported
from repscope.frames import Frame

Array = NDArray[np.floating]
Pool = Literal["cls", "mean"]


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """One vector per position, laid out as the image is.

    Attributes:
        patches: (B, H, W, D) patch tokens; for a video encoder their mean over time.
        registers: (B, R, D) register tokens; R is 0 where there are none.
        cls: (B, D) class token, or None where the encoder has none.
        frames: (B, T, H, W, D) patch tokens in time, for a video encoder only.
        layer: 0 for the embedding, k for the residual stream after block k, -1 for the output
            (after the last block and the final norm, where there is one).
        frame: The part of its photo that each image shows, B of them.
        received: (B, H, W) attention that each patch receives in the block before this layer, where it was asked for:
            the CLS token's, or all patches' mean where there is none; mean over heads, summed over time. With what
            CLS and registers receive it sums to 1.
    """

    patches: Float[Array, "B H W D"]
    registers: Float[Array, "B R D"]
    cls: Float[Array, "B D"] | None
    layer: int
    frame: tuple[Frame, ...]
    frames: Float[Array, "B T H W D"] | None = None
    received: Float[Array, "B H W"] | None = None

    def __post_init__(self) -> None:
        if self.patches.ndim != 4 or self.registers.ndim != 3 or len(self.frame) != len(self.patches):
            raise UnfitData(
                "Tokens want patches (B, H, W, D), registers (B, R, D) and B frames; got "
                f"{self.patches.shape}, {self.registers.shape} and {len(self.frame)} frames."
            )

    def __len__(self) -> int:
        return len(self.patches)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.patches.shape[1], self.patches.shape[2]

    @property
    def width(self) -> int:
        return self.patches.shape[-1]

    def embedding(self, pool: Pool) -> Float[Array, "B D"]:
        """One vector per image: the CLS token, or the mean of the patches."""
        if pool == "mean":
            return self.patches.mean(axis=(1, 2))
        if self.cls is None:
            raise Unsupported("This encoder has no CLS token; ask for pool='mean'.")
        return self.cls
