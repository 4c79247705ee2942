"""Alike: how similar the patches of runs are, of one objective and of different ones."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from repscope.analyses._numbers import narrow
from repscope.analyses._pairs import LEAST_IMAGES
from repscope.analyses._partition import dealt, shuffled
from repscope.analyses._runs import Seen
from repscope.errors import RepscopeError
from repscope.metrics import Pair
from repscope.report import Null, Number
from repscope.statistics import interval, null_of, other_images

Array = NDArray[np.float64]


def between(alike: Float[Array, "photos runs runs"], shape: tuple[int, int, int]) -> Float[Array, "P a a"]:
    """Mean similarity of the runs of each two objectives, photo by photo: on one condition, of different seeds.

    Runs of one seed began with the same weights and saw the same order; of one objective there are no two such.
    """
    member, fair = np.eye(shape[0])[:, np.indices(shape)[0].ravel()], crossed(shape)
    return np.einsum("ai,pij,bj->pab", member, alike * fair, member) / (member @ fair @ member.T)


def crossed(shape: tuple[int, int, int]) -> Bool[NDArray[np.bool_], "runs runs"]:
    """Pairs of runs on one condition with different seeds: alike in what is not asked about."""
    _, condition, seed = (places.ravel() for places in np.indices(shape))
    return (condition[:, None] == condition) & (seed[:, None] != seed)


def likeness(
    alike: Float[Array, "photos runs runs"], shape: tuple[int, int, int], among: Sequence[int]
) -> Float[Array, "a b s photos"]:
    """How alike each run of some objectives is to those of the others of them, photo by photo.

    On its condition and of other seeds.
    """
    objective = np.indices(shape)[0].ravel()
    others = crossed(shape) & (objective[:, None] != objective) & np.isin(objective, among)
    return ((alike * others).sum(2) / others.sum(1)).T.reshape(*shape, -1)[list(among)]


def gap(alike: Float[Array, "runs runs"], shape: tuple[int, int, int]) -> tuple[float, Null]:
    """Mean similarity of runs of one objective, less that of different ones; on one condition, of different seeds.

    Its null deals runs of one condition and seed to objectives at random.
    """
    fair = crossed(shape)

    def of(groups: Int[NDArray[np.intp], " runs"]) -> float:
        same = groups[:, None] == groups
        return float(alike[same & fair].mean() - alike[~same & fair].mean())

    value = of(np.indices(shape)[0].ravel())
    draws = np.array([of(order.ravel()) for order in dealt(shape)])
    return value, shuffled(value, draws)


def numbers(seen: Seen) -> tuple[tuple[Number, ...], ...]:
    """Objective by objective: the mean over photos and pairs of runs, with its interval over photos and its null."""
    count = len(seen.design.objectives)
    values = between(np.array(seen.alike), seen.design.shape)
    return tuple(tuple(_number(seen, values[:, i, j], i, j) for j in range(count)) for i in range(count))


def _number(seen: Seen, values: Float[Array, " photos"], i: int, j: int) -> Number:
    assert isinstance(seen.cka, Pair)
    value, caveats = float(values.mean()), narrow(len(values))
    null = _null(seen, value, i, j)
    if null is None:
        caveats = (f"no null of other images under {LEAST_IMAGES} photos", *caveats)
    return Number(
        seen.cka.title,
        value,
        interval(values),
        null,
        n=len(values),
        of="photos" if len(values) > 1 else "photo",
        definition=seen.cka.definition,
        caveats=caveats,
    )


def _null(seen: Seen, value: float, i: int, j: int) -> Null | None:
    """Of two seeds on the first condition, one shown another photo than the other."""
    if len(seen.kept) < LEAST_IMAGES:
        return None
    x, y = ([rows[2 * each + seed] for rows in seen.kept] for each, seed in ((i, 0), (j, 1)))
    assert isinstance(seen.cka, Pair)
    try:
        return null_of("other images", seen.cka, value, other_images(seen.cka, x, y))
    except RepscopeError:  # undefined for some pair of photos
        return None
