"""Nulls: what a pair measure says where there is nothing to find."""

from collections.abc import Sequence
from itertools import permutations as _orders

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.metrics import Pair, Rows
from repscope.report import Null

Array = NDArray[np.floating]
NEAR = 2
IMAGES, DERANGEMENTS = 12, 199


def torus_shifts(grid: tuple[int, int]) -> Int[NDArray[np.intp], "R 2"]:
    """Every shift of a grid around its edges, in rows and columns, but those within two cells of none.

    A shifted grid is as smooth as it was but no longer lies on the other; permuting patches would
    make it rough, which is too weak a null: near patches are alike in every encoder. The shift sews
    opposite edges together: for fields that do not go on beyond their edge, as photos, the seam makes
    this null too easy to pass, so it carries no finding alone.
    """
    down, across = np.indices(grid).reshape(2, -1)
    far = (np.minimum(down, grid[0] - down) > NEAR) | (np.minimum(across, grid[1] - across) > NEAR)
    return np.stack([down, across], 1)[far]


def permutations(n: int, count: int = 200, seed: int = 0) -> Int[NDArray[np.intp], "R n"]:
    """Random orders of n rows, seeded."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.permutation(n) for _ in range(count)])


def other_images(measure: Pair, x: Sequence[Rows], y: Sequence[Rows], seed: int = 0) -> Float[Array, " R"]:
    """Means of the measure over images, one encoder seeing each image and the other another one.

    It keeps what all photos share, the layout of positions above all, and so asks for more than a
    torus shift does. Every draw gives each of the first images (12, fewer for costly measures) the image of
    another, none its own. All grids must be of one shape.
    """
    count = min(len(x), IMAGES, int((1 + np.sqrt(1 + 4 * measure.draws)) / 2))
    crossed = np.zeros((count, count))
    for i, j in _orders(range(count), 2):
        crossed[i, j] = measure.of(x[i], y[j])
    generator, places = np.random.default_rng(seed), np.arange(count)
    found: dict[tuple[int, ...], float] = {}
    for _ in range(20 * DERANGEMENTS):
        order = generator.permutation(count)
        if (order != places).all():
            found.setdefault(tuple(order), float(crossed[places, order].mean()))
        if len(found) == DERANGEMENTS:
            break
    return np.array(list(found.values()))


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
        calibrated=max((value - edge) / reach, 0.0) if reach and measure.exact else None,
        chance=chance,
        lower=lower,
    )
