"""Content: how much of what patches say is where they are, how much which image they are of, and how much neither."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses._numbers import narrow
from repscope.report import Null, Number
from repscope.statistics import interval, jackknife

Array = NDArray[np.float64]
DRAWS, FOLDS, PENALTY, GROUPS = 199, 5, 0.1, 20
LEAST = 6

MODEL = (
    "x_ip = mean + position_p + image_i + rest_ip over images i and positions p (two-way analysis of variance, raw "
    "tokens: long ones weigh most). Position, image and rest sum to 1."
)
LABELS = {
    "position": "Position",
    "position_net": "Position, less chance",
    "image": "Image",
    "rest": "Content within images",
    "decoded": "Place told from a patch",
}
DEFINITIONS = {
    "position": "Share of the sum of squares in the mean over images at each place. What all images show at the same "
    f"place (the sky above) is position too; {MODEL}",
    "position_net": "Share of position less (1 - share of image) / I, which images with nothing in common at a place "
    "give",
    "image": f"Share of the sum of squares in the mean patch of each image. {MODEL}",
    "rest": f"Share of the sum of squares that is neither of the place nor of the image. {MODEL}",
}
DECODED = (
    "R² of row and column, foretold from a patch by ridge regression on other images (5 folds of images, penalty .1 of "
    "the mean squared length), mean of both; 0 for who says the middle always."
)
DEFINITIONS["decoded"] = DECODED


@dataclass(frozen=True)
class Shares:
    """Parts of the sum of squares: they sum to 1."""

    position: float
    image: float
    rest: float


def fields(patches: Float[NDArray[np.floating], "I H W D"]) -> Float[Array, "I P D"]:
    """Patches of each image in raster order, less the mean of all."""
    x = patches.reshape(len(patches), -1, patches.shape[-1]).astype(np.float64)
    return x - x.mean((0, 1))


def shares(x: Float[Array, "I P D"]) -> Shares:
    """Two-way analysis of variance of centred fields, without repetition.

    >>> where = np.arange(4.0)[None, :, None] - 1.5
    >>> shares(where + np.zeros((3, 1, 1)))
    Shares(position=1.0, image=0.0, rest=0.0)
    """
    x = x - x.mean((0, 1))
    images, positions, _ = x.shape
    whole = float(np.square(x).sum())
    if not whole > 0:
        return Shares(0.0, 0.0, 0.0)
    position = images * float(np.square(x.mean(0)).sum()) / whole
    image = positions * float(np.square(x.mean(1)).sum()) / whole
    return Shares(position, image, 1 - position - image)


def content(patches: Float[NDArray[np.floating], "I H W D"], seed: int = 0) -> dict[str, Number]:
    """Shares of position, image and rest, and how well a place can be told from a patch; with nulls and intervals.

    Two nulls of the position share: each image's field (less its mean) is turned into its negative at random, which
    keeps its smoothness and takes away what images have in common at a place; and by chance alone, of
    independent patches, (P - 1) / (I P - 1). What `position_net` takes off is the mean of the first,
    (1 - image) / I: where images have means of their own, less is left for places than the second says.
    """
    x = fields(patches)
    images, positions, _ = x.shape
    if images < LEAST or positions < 2:
        reason = f"Position is told from content over {LEAST} images or more of 2 patches or more; got {images} of "
        return _none(f"{reason}{positions}.")
    found, left = shares(x), [shares(np.delete(x, group, 0)) for group in _groups(images)]
    if not found.position + found.image + found.rest > 0:
        return _none("All patches are alike.")
    chance = (positions - 1) / (images * positions - 1)
    made = {"position": _signs(x, found.position, chance, seed)}
    values = [
        _named(found, images),
        *(_named(*each) for each in zip(left, _sizes(images), strict=True)),
    ]
    numbers = {key: _share(key, [each[key] for each in values], made.get(key), images) for key in values[0]}
    return numbers | {"decoded": decoded(patches)}


def _named(found: Shares, images: int) -> dict[str, float]:
    net = found.position - (found.position + found.rest) / images
    return {"position": found.position, "position_net": net, "image": found.image, "rest": found.rest}


def _share(key: str, values: list[float], null: Null | None, images: int) -> Number:
    """The share of all images, with the jackknife's interval from those without one group each."""
    value, *left = values
    low, high = jackknife(value, left)
    ci = (low if key == "position_net" else max(low, 0.0), min(high, 1.0))
    caveats, definition = narrow(images, "images"), DEFINITIONS[key]
    return Number(LABELS[key], value, ci, null, n=images, of="images", definition=definition, caveats=caveats)


def _none(reason: str) -> dict[str, Number]:
    return {key: Number(label, None, definition=DEFINITIONS[key], reason=reason) for key, label in LABELS.items()}


def _groups(images: int) -> list[NDArray[np.intp]]:
    return [np.arange(start, images, GROUPS) for start in range(min(GROUPS, images))]


def _sizes(images: int) -> list[int]:
    return [images - len(group) for group in _groups(images)]


def _signs(x: Float[Array, "I P D"], value: float, chance: float, seed: int) -> Null:
    """The position share of fields turned into their negatives at random."""
    field = x - x.mean(1, keepdims=True)
    whole = np.square(x - x.mean((0, 1))).sum()
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (DRAWS, len(x)))
    gram = np.einsum("ipd,jpd->ij", field, field, optimize=True)
    draws = np.einsum("ri,ij,rj->r", signs, gram, signs, optimize=True) / len(x) / whole
    p = float((1 + (draws >= value * (1 - 1e-9)).sum()) / (1 + DRAWS))
    q95 = float(np.quantile(draws, 0.95))
    return Null("fields turned negative", float(draws.mean()), q95, p, DRAWS, chance=chance)


def decoded(patches: Float[NDArray[np.floating], "I H W D"]) -> Number:
    """How well row and column of a patch are told from it, on images that were not learnt from."""
    images, height, width, _ = patches.shape
    x = patches.reshape(images, height * width, -1).astype(np.float64)
    place = np.indices((height, width)).reshape(2, -1).T.astype(np.float64)
    moving = np.ptp(place, axis=0) > 0
    place = place[:, moving] - place[:, moving].mean(0)
    whole = np.square(place).sum(0)
    scores = np.zeros(images)
    for fold in range(min(FOLDS, images)):
        test = np.arange(fold, images, FOLDS)
        train = np.delete(x, test, 0)
        mean = train.mean((0, 1))
        rows = (train - mean).reshape(-1, x.shape[-1])
        penalty = PENALTY * float(np.square(rows).sum(1).mean())
        gram = rows.T @ rows + penalty * np.eye(rows.shape[1]) if penalty else np.eye(rows.shape[1])
        solved = np.linalg.solve(gram, rows.T @ np.tile(place, (len(train), 1)))
        missed = place - (x[test] - mean) @ solved
        scores[test] = (1 - np.square(missed).sum(1) / whole).mean(1)
    return Number(
        LABELS["decoded"],
        float(scores.mean()),
        interval(scores),
        Null("chance", 0.0, 0.0),
        n=images,
        of="images",
        unit="R²",
        definition=DECODED,
        caveats=(*narrow(images, "images"), "the interval is of other images under the fits at hand"),
    )
