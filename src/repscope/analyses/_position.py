"""Position: the directions along which patches differ by where they are, whatever the photo shows."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Array = NDArray[np.floating]
LEAST, EXACT, MOST = 6, 8, 64
DRAWS, LEVEL = 99, 0.05
BLOCK, ROUNDS, NOTHING = 8, 10, 1e-4


def position_directions(grids: Sequence[Float[Array, "H W D"]], seed: int = 0) -> Float[Array, "r D"]:
    """Orthonormal directions of the position effect, the strongest first; none where nothing passes its null.

    The position effect is the mean over photos of each position's patch, less the photo's mean and at length 1, as
    cosines take it (a two-way analysis of variance). One principal direction after the other is held against
    the longest of draws in which every photo's field is turned into its negative at random, with what was
    found before taken out of both (sequential parallel analysis: Horn, 1965, with the sign test for a mean),
    until one is not as long as all but 5 in 100 (p <= .05). A field without a position effect is as likely as
    its negative, which is as smooth; shifting grids around their edges would break the slow ramps that photos have,
    and find position where there is none. Up to 8 photos all ways of turning are drawn, under 6 there are too
    few for any p of .05. What all photos show at the same place (the sky above, the thing in the middle) counts as
    position too; one direction is left at least, and MOST are found at most: photos that are nearly the same are nearly
    all position. All grids must be of one shape.
    """
    fields = np.stack([_field(grid) for grid in grids])
    signs = _signs(len(fields), np.random.default_rng(seed))
    effects = (np.tensordot(signs, fields, 1) / len(fields)).astype(np.float32)  # (1 + draws, P, D), the first as it is
    block = np.random.default_rng(seed).normal(size=(len(effects), effects.shape[-1], BLOCK)).astype(np.float32)
    least, found = 0.0, list[Float[Array, " D"]]()
    while len(found) < min(*effects.shape[1:], MOST + 1) - 1:
        lengths, block = _longest(effects, block)
        least = least or NOTHING * lengths[0]
        if lengths[0] <= least or (lengths >= lengths[0]).mean() > LEVEL:
            break
        found.append(np.linalg.svd(effects[0] @ block[0], full_matrices=False)[2][0] @ block[0].T)
        effects -= (effects @ found[-1])[..., None] * found[-1]
    directions = np.array(found, np.float64).reshape(len(found), effects.shape[-1])
    return np.linalg.qr(directions.T)[0].T if found else directions


def _field(grid: Float[Array, "H W D"]) -> Float[NDArray[np.float64], "P D"]:
    """A photo's patches less their mean at length 1, and less the mean of these: one long token is one of many."""
    rows = grid.reshape(-1, grid.shape[-1]).astype(np.float64)
    rows = rows - rows.mean(0)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(norms > 0, norms, 1)
    return rows - rows.mean(0)


def _signs(count: int, generator: np.random.Generator) -> Float[NDArray[np.float64], "draws n"]:
    """Ways to turn photos' fields into their negatives, none first; a way and its opposite are one."""
    none = np.ones((1, count))
    if count <= EXACT:
        return np.concatenate([none, np.array([(1.0, *way) for way in product((1.0, -1.0), repeat=count - 1)])[1:]])
    drawn = generator.choice([-1.0, 1.0], (2 * DRAWS, count))
    return np.concatenate([none, drawn[np.abs(drawn.sum(1)) < count][:DRAWS]])


def _longest(
    effects: Float[Array, "n P D"], block: Float[Array, "n D k"]
) -> tuple[Float[Array, " n"], Float[Array, "n D k"]]:
    """The largest singular value of each, and the directions to look for the next in.

    A few rounds of subspace iteration, which begin where the last ended. They fall short by 3 % at most, of noise
    without any structure, and there of all alike; of smooth fields by a millionth.
    """
    for _ in range(ROUNDS):
        block = np.linalg.qr(np.swapaxes(effects, 1, 2) @ (effects @ block))[0]
    return np.linalg.norm(effects @ block, ord=2, axis=(1, 2)), block
