"""Position: the directions along which patches differ by where they are, whatever the photo shows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[np.floating]
LEAST = 6
DRAWS = 199


def position_directions(grids: Sequence[Float[Array, "H W D"]], seed: int = 0) -> Float[Array, "r D"]:
    """Orthonormal directions of the position effect, the strongest first; none where nothing passes its null.

    The position effect is the mean over photos of each position's patch, less the photo's mean (a two-way
    analysis of variance). Kept are its principal directions that are as long as the longest of at most 5 in 100
    draws (p <= .05) in which every photo's field is turned into its negative at random: parallel analysis (Horn, 1965)
    with the sign test for a mean. A field without a position effect is as likely as its negative, which is as
    smooth; shifting grids around their edges would break the slow ramps that photos have, and find position where
    there is none. What all photos show at the same place (the sky above, the thing in the middle) counts as position
    too. All grids must be of one shape; under six photos no p can be .05.
    """
    fields = np.stack([grid - grid.mean((0, 1)) for grid in grids]).astype(np.float64)
    fields = fields.reshape(len(fields), -1, fields.shape[-1])
    _, lengths, directions = np.linalg.svd(fields.mean(0), full_matrices=False)
    generator = np.random.default_rng(seed)
    signs = generator.choice([-1.0, 1.0], (DRAWS, len(fields)))
    longest = np.array([_longest(np.tensordot(sign, fields, 1) / len(fields)) for sign in signs])
    p = (1 + (longest[None] >= lengths[:, None] * (1 - 1e-9)).sum(1)) / (1 + DRAWS)
    return directions[p <= 0.05]


def _longest(effect: Float[Array, "P D"]) -> float:
    """Its largest singular value, from the smaller product."""
    product = effect @ effect.T if len(effect) < effect.shape[1] else effect.T @ effect
    return float(np.sqrt(max(np.linalg.eigvalsh(product)[-1], 0)))
