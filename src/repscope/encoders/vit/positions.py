"""Where a token is: learned tables, sines and cosines, and rotary angles."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from repscope.encoders.vit.architecture import Resample

Rotary = tuple[Tensor, Tensor]
"""Cosines and sines, each (N, head width), float32."""


def resampled(
    table: Float[Tensor, "native D"], native: tuple[int, int], grid: tuple[int, int], rule: Resample
) -> Float[Tensor, "N D"]:
    """A learned table (H * W, D) carried from its native grid to another one.

    `bicubic-offset` is the rule of DINOv2's own code: scale factors with .1 added, no antialiasing.
    """
    if grid == native:
        return table
    image = table.float().T.reshape(1, -1, *native)
    if rule == "bicubic-offset":
        factor = tuple((to + 0.1) / of for to, of in zip(grid, native, strict=True))
        image = interpolate(image, scale_factor=factor, mode="bicubic", align_corners=False)
        image = image[..., : grid[0], : grid[1]]
    else:
        antialias = rule == "bicubic-antialias"
        image = interpolate(image, size=grid, mode="bicubic", align_corners=False, antialias=antialias)
    return image.flatten(2)[0].T.to(table.dtype)


def sincos(grid: tuple[int, int], native: tuple[int, int], width: int) -> Float[Tensor, "N D"]:
    """Fixed sines and cosines of the patch centres, in units of the native grid's patches.

    Coordinates are continuous, so the same photo cut into another grid gets the same field,
    sampled elsewhere: nothing is interpolated.
    """
    rows, columns = (
        (torch.arange(to, dtype=torch.float64) + 0.5) * of / to - 0.5 for to, of in zip(grid, native, strict=True)
    )
    omega = 10000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    down, across = rows[:, None] * omega, columns[:, None] * omega
    down = down[:, None].expand(-1, grid[1], -1).flatten(0, 1)
    across = across[None].expand(grid[0], -1, -1).flatten(0, 1)
    return torch.cat([across.sin(), across.cos(), down.sin(), down.cos()], 1).float()


def rotary(grid: tuple[int, int], head_width: int, base: float = 100.0) -> Rotary:
    """DINOv3's axial angles: patch centres scaled to -1..1 on each side, halves of a head paired."""
    periods = base ** torch.arange(0, 1, 4 / head_width, dtype=torch.float32)
    rows, columns = (2 * (torch.arange(0.5, side, dtype=torch.float32) / side) - 1 for side in grid)
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).flatten(0, 1)
    angles = (2 * math.pi * places[:, :, None] / periods).flatten(1).tile(2)
    return angles.cos(), angles.sin()


def rotary_video(time: int, grid: tuple[int, int], head_width: int) -> Rotary:
    """V-JEPA 2's angles of integer (time, row, column), neighbouring numbers paired.

    A third of the head (rounded down to an even width) turns with each axis, the rest stays. The
    frequencies are tiled, not repeated, over the pairs: a quirk the weights were trained with.
    """
    third = 2 * (head_width // 3 // 2)
    omega = 1 / 10000 ** (torch.arange(third // 2, dtype=torch.float32) / (third / 2))
    axes = torch.meshgrid(*(torch.arange(side, dtype=torch.float32) for side in (time, *grid)), indexing="ij")
    angles = torch.cat([(axis.flatten()[:, None] * omega).tile(2) for axis in axes], 1)
    still = angles.new_zeros(len(angles), head_width - angles.shape[1])
    angles = torch.cat([angles, still], 1)
    return angles.cos(), angles.sin()


def turn_halves(x: Tensor) -> Tensor:
    """(a, b) -> (-b, a) over the two halves of the last axis."""
    a, b = x.chunk(2, -1)
    return torch.cat([-b, a], -1)


def turn_neighbours(x: Tensor) -> Tensor:
    """(a, b, c, d, ...) -> (-b, a, -d, c, ...)."""
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([-b, a], -1).flatten(-2)
