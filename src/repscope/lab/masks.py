"""Which patches a masked objective hides: index tensors, the same number in every image."""

import math

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from repscope.errors import UnfitData

ATTEMPTS = 100
"""How often targets that hide too much of an image are placed anew before what they leave is taken."""


def counts(places: int, share: float) -> tuple[int, int]:
    """How many patches a mask of this share shows and hides; raises UnfitData where it is all or none of them."""
    hidden = round(places * share)
    if not 0 < hidden < places:
        raise UnfitData(
            f"A mask of {share:.0%} leaves {places - hidden} of {places} patches to see; choose a share that leaves "
            "some to see and some to hide."
        )
    return places - hidden, hidden


def scattered(
    batch: int, places: int, share: float, generator: torch.Generator
) -> tuple[Int[Tensor, "B K"], Int[Tensor, "B M"]]:
    """MAE's mask: indices (shown, hidden) of a random `share` of the patches hidden, each ascending."""
    shown, _ = counts(places, share)
    order = torch.rand(batch, places, generator=generator).argsort(1)
    return order[:, :shown].sort(1).values, order[:, shown:].sort(1).values


def _side(grid: tuple[int, int], scale: float, aspect: float) -> tuple[int, int]:
    area = grid[0] * grid[1] * scale
    rows, columns = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
    return min(max(rows, 1), grid[0]), min(max(columns, 1), grid[1])


def _placed(
    batch: int, grid: tuple[int, int], side: tuple[int, int], generator: torch.Generator
) -> Bool[Tensor, "B N"]:
    """A rectangle of this size somewhere in each image."""
    top, left = (
        torch.randint(0, full - part + 1, (batch, 1), generator=generator)
        for full, part in zip(grid, side, strict=True)
    )
    row, column = torch.arange(grid[0]), torch.arange(grid[1])
    rows = (row >= top) & (row < top + side[0])
    columns = (column >= left) & (column < left + side[1])
    return (rows[:, :, None] & columns[:, None, :]).flatten(1)


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def blocks(
    batch: int,
    grid: tuple[int, int],
    generator: torch.Generator,
    *,
    targets: int = 4,
    target_scale: tuple[float, float] = (0.15, 0.2),
    target_aspect: tuple[float, float] = (0.75, 1.5),
    context_scale: tuple[float, float] = (0.85, 1.0),
    least: float = 0.3,
) -> tuple[Int[Tensor, "B K"], Int[Tensor, "targets B M"]]:
    """I-JEPA's mask: indices of the context and of each target block.

    One block size per batch, one place per image; the context is a large block less all targets,
    thinned at random to the smallest context of the batch so that it stays one tensor. So that
    one image does not thin all others, targets that leave an image less than `least` of its
    patches are placed anew. Raises UnfitData where no place for them leaves any.
    """
    side = _side(grid, _uniform(*target_scale, generator), _uniform(*target_aspect, generator))
    hidden = torch.stack([_placed(batch, grid, side, generator) for _ in range(targets)])
    wide = _placed(batch, grid, _side(grid, _uniform(*context_scale, generator), 1.0), generator)
    for _ in range(ATTEMPTS):
        blind = (wide & ~hidden.any(0)).sum(1) < least * grid[0] * grid[1]
        if not blind.any():
            break
        again = int(blind.sum())
        hidden[:, blind] = torch.stack([_placed(again, grid, side, generator) for _ in range(targets)])
    context = wide & ~hidden.any(0)
    count = int(context.sum(1).min())
    if count == 0:
        raise UnfitData(
            f"{targets} target blocks of {side[0]} x {side[1]} patches leave no context on a grid of "
            f"{grid[0]} x {grid[1]}; use fewer or smaller targets, or a larger image."
        )
    rank = torch.where(context, torch.rand(context.shape, generator=generator), 2.0)
    shown = rank.argsort(1)[:, :count].sort(1).values
    places = hidden.nonzero()[:, 2].reshape(targets, batch, side[0] * side[1])
    return shown, places
