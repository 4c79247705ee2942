"""Position: the directions along which patches differ by where they are, whatever the photo shows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[np.floating]
LEAST = 5
DRAWS = 39


def position_directions(grids: Sequence[Float[Array, "H W D"]], seed: int = 0) -> Float[Array, "r D"]:
    """Orthonormal directions of the position effect, the strongest first; none where nothing passes its null.

    The position effect is the mean over photos of each position's patch, less the photo's mean (a two-way
    analysis of variance). Kept are its principal directions that are longer than the longest of 95 in 100
    draws in which every photo's grid is shifted around its edges by another amount: parallel analysis
    (Horn, 1965), with fields that stay as smooth as they were. What all photos show at the same place
    (the sky above, the thing in the middle) counts as position too. All grids must be of one shape.
    """
    fields = np.stack([grid - grid.mean((0, 1)) for grid in grids]).astype(np.float64)
    count, rows, columns, width = fields.shape
    effect = fields.mean(0).reshape(-1, width)
    _, lengths, directions = np.linalg.svd(effect, full_matrices=False)
    generator, longest = np.random.default_rng(seed), []
    for _ in range(DRAWS):
        down, across = generator.integers(0, rows, count), generator.integers(0, columns, count)
        drawn = np.mean([np.roll(f, (d, a), (0, 1)) for f, d, a in zip(fields, down, across, strict=True)], axis=0)
        drawn = drawn.reshape(-1, width)
        product = drawn @ drawn.T if len(drawn) < width else drawn.T @ drawn
        longest.append(np.sqrt(max(np.linalg.eigvalsh(product)[-1], 0)))
    return directions[lengths > np.quantile(longest, 0.95)]
