"""Architecture: every choice by which the vision transformers of this field differ."""

from dataclasses import dataclass
from typing import Literal

Position = Literal["learned", "sincos", "rotary", "rotary-video"]
Resample = Literal["bicubic", "bicubic-antialias", "bicubic-offset"]
Activation = Literal["gelu", "gelu-tanh", "gelu-quick", "swiglu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The shape of a vision transformer; with a contract, all that is known before its weights.

    Attributes:
        width: D, the numbers in one token.
        depth: L, the number of blocks.
        heads: Attention heads of each block; they divide the width.
        hidden: Width inside the perceptron (of each half, for `swiglu`).
        patch: Side of a square patch, pixels.
        grid: Patch grid (rows, columns) of the positions' native size.
        tubelet: Frames in one patch; above 1 the encoder reads video.
        cls: Whether a CLS token leads the sequence.
        registers: R, register tokens between CLS and patches.
        position: `learned` table, `sincos` computed, `rotary` of normalised coordinates
            (DINOv3), `rotary-video` of integer (time, row, column) (V-JEPA 2).
        resample: How a learned table is carried to another grid.
        activation: Between the two layers of the perceptron.
        qkv_bias, patch_bias, layer_scale: Whether those weights exist.
        pre_norm: A LayerNorm before the first block (CLIP).
        final_norm: A LayerNorm after the last block.
        epsilon: Of every LayerNorm.
    """

    width: int
    depth: int
    heads: int
    hidden: int
    patch: int
    grid: tuple[int, int]
    tubelet: int = 1
    cls: bool = True
    registers: int = 0
    position: Position = "learned"
    resample: Resample = "bicubic"
    activation: Activation = "gelu"
    qkv_bias: bool = True
    patch_bias: bool = True
    layer_scale: bool = False
    pre_norm: bool = False
    final_norm: bool = True
    epsilon: float = 1e-6

    @property
    def prefix(self) -> int:
        """Tokens before the first patch: CLS and registers."""
        return int(self.cls) + self.registers

    @property
    def head_width(self) -> int:
        return self.width // self.heads
