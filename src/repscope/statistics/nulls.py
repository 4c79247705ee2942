"""Nulls: what a pair measure says where there is nothing to find."""

from collections.abc import Sequence
from itertools import permutations as _orders

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.metrics import Pair, Rows, spread
from repscope.report import Null

Array = NDArray[np.floating]
NEAR = 2
IMAGES = 12


def torus_shifts(grid: tuple[int, int]) -> Int[NDArray[np.intp], "R 2"]:
    """Every shift of a grid around its edges, in rows and columns, but those within two cells of none.

    A shifted grid is as smooth as it was but no longer lies on the other; permuting patches would
    make it rough, which is too weak a null: near patches are alike in every encoder.
    """
    down, across = np.indices(grid).reshape(2, -1)
    far = (np.minimum(down, grid[0] - down) > NEAR) | (np.minimum(across, grid[1] - across) > NEAR)
    return np.stack([down, across], 1)[far]


def permutations(n: int, count: int = 200, seed: int = 0) -> Int[NDArray[np.intp], "R n"]:
    """Random orders of n rows, seeded."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.permutation(n) for _ in range(count)])


def other_images(measure: Pair, x: Sequence[Rows], y: Sequence[Rows]) -> Float[Array, " R"]:
    """The measure of one encoder on an image and the other on another, for all pairs of the first 12 images.

    It keeps what all photos share, the layout of positions above all, and so asks for more than a
    torus shift does. Images whose grids differ are no pair.
    """
    some = range(min(len(x), IMAGES))
    crossed = np.array([(i, j) for i, j in _orders(some, 2) if x[i].grid == y[j].grid])
    return np.array([measure.of(x[i], y[j]) for i, j in spread(crossed, measure.draws)])


def null_of(kind: str, measure: Pair, value: float, draws: Float[Array, " R"], chance: float | None = None) -> Null:
    """The null of a value from draws: their mean, 95th percentile, and how many are as far as the value."""
    lower = measure.better == "lower"
    as_far = draws <= value if lower else draws >= value
    edge = float(np.quantile(draws, 0.05 if lower else 0.95))
    reach = measure.best - edge
    return Null(
        kind=kind,
        mean=float(draws.mean()),
        q95=edge,
        p=float((1 + as_far.sum()) / (1 + len(draws))),
        draws=len(draws),
        calibrated=max((value - edge) / reach, 0.0) if reach else None,
        chance=chance,
    )
