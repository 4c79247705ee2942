"""Recipe: what a run is made of, read from a TOML file; one dial (epochs) and the exceptions."""

import math
import os
import tomllib
from collections.abc import Collection
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from repscope.encoders.vit import Architecture
from repscope.errors import RepscopeError, UnknownName, WrongUsage
from repscope.lab.bounds import Bounds

FOLDER = Path(__file__).parent / "recipes"

ENLARGED = 4
"""How many times the side of an image a view of it may have; more would only spread the same pixels."""

PAIRS = ("betas", "crop")

Optimiser = Literal["muon", "adamw"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Recipe:
    """Encoder, budget and optimiser of a run; the same for every objective that is compared.

    Attributes:
        size: Side of the training images, pixels.
        view: Side of a view, for all objectives but mae and ijepa, which see `size`; where not given
            `size`; 4 times `size` at most.
        local: Side of a small view, for dino and lejepa; where not given half of `view`, down to
            whole patches; 4 times `size` at most.
        objective: What is trained where the command names none.
        options: Of objectives, by their name: `[options.dino] locals = 2`.
        optimiser: `muon` for the matrices of blocks and AdamW for the rest, or `adamw` for all.
        snapshots: How many encoders are kept along the way, evenly spread, the last among them.
        architecture: Of the encoder.
        epochs: Presentations of the whole training set; 0 leaves the encoder as it was initialised.
        batch: Images in one step.
        rate: Peak learning rate; it rises over `warmup` steps, holds, and falls linearly to 0
            over the last `decay` of the run.
        weight_decay: Of matrices; each step takes the rate times this share of them.
        betas: Of AdamW: how much of the running means of gradients and of their squares is kept.
        clip: The largest norm of all gradients together; longer ones are shortened to it.
        warmup: Steps over which the rate rises.
        decay: Share of the run over which the rate falls.
        seed: Of initialisation, order, crops and masks.
        crop: Least and largest share of an image's area that a view shows.
        precision: Of matrix products, and of what flows between them; weights, their changes and
            the loss stay float32. `auto` is bfloat16 where the machine multiplies it faster.

    Raises WrongUsage for what no run can be made of.
    """

    name: str
    size: int
    architecture: Architecture
    view: int = 0
    local: int = 0
    objective: str = "mae"
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    optimiser: Optimiser = "muon"
    snapshots: int = 10
    epochs: float = 30
    batch: int = 128
    rate: float = 1e-3
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    warmup: int = 400
    decay: float = 0.25
    seed: int = 0
    crop: tuple[float, float] = (0.3, 1.0)
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_choices()
        self._check_grid()
        for name in ("view", "local"):
            side = getattr(self, name)
            self._want(name, type(side) is int and side >= 0, "a whole number of pixels")
        patch = self.architecture.patch
        object.__setattr__(self, "view", self.view or self.size)
        object.__setattr__(self, "local", self.local or max(self.view // patch // 2, 1) * patch)
        for name in ("view", "local"):
            side, most = getattr(self, name), ENLARGED * self.size
            self._want(name, side % patch == 0 and side <= most, f"whole patches of {patch} pixels, {most} at most")

    def _check_numbers(self) -> None:
        for name, least in (("size", 1), ("batch", 1), ("warmup", 0), ("seed", 0), ("snapshots", 0)):
            value = getattr(self, name)
            self._want(name, type(value) is int and value >= least, f"a whole number, {least} or more")
        self._want("seed", self.seed < 2**24, "below 16777216")
        for name in ("rate", "clip"):
            self._want(name, _within(getattr(self, name), 0, math.inf) and getattr(self, name) > 0, "above 0")
        for name in ("epochs", "weight_decay"):
            self._want(name, _within(getattr(self, name), 0, math.inf), "0 or more")
        self._want("decay", _within(self.decay, 0, 1), "a share of the run, 0 to 1")
        pair = _pair(self.betas) and all(_within(beta, 0, 1) and beta < 1 for beta in self.betas)
        self._want("betas", pair, "two numbers from 0 to below 1")
        part = _pair(self.crop) and all(_within(share, 0, 1) for share in self.crop)
        self._want("crop", part and 0 < self.crop[0] <= self.crop[1], "two shares of an image's area, the lesser first")

    def _check_choices(self) -> None:
        self._want("objective", isinstance(self.objective, str), "the name of one")
        self._want("optimiser", self.optimiser in get_args(Optimiser), " or ".join(get_args(Optimiser)))
        self._want("precision", self.precision in get_args(Precision), " or ".join(get_args(Precision)))
        tables = isinstance(self.options, dict) and all(isinstance(table, dict) for table in self.options.values())
        self._want("options", tables, "a table for each objective")

    def _check_grid(self) -> None:
        a = self.architecture
        if (self.size, self.size) != (a.grid[0] * a.patch, a.grid[1] * a.patch) or a.tubelet != 1:
            raise WrongUsage(
                f"The recipe {self.name} wants images of {self.size} pixels, but {a.grid[0]} x {a.grid[1]} patches of "
                f"{a.patch} pixels are {a.grid[0] * a.patch} x {a.grid[1] * a.patch}; make size, grid and patch agree."
                + ("" if a.tubelet == 1 else " A tubelet above 1 reads video, which the lab does not train on.")
            )

    def _want(self, name: str, right: bool, wanted: str) -> None:
        if not right:
            raise WrongUsage(f"The recipe {self.name} wants {name} to be {wanted}; got {getattr(self, name)!r}.")

    def rate_at(self, step: int, steps: int) -> float:
        """The learning rate of a step: warm up, hold, decay.

        >>> r = read("tiny-imagenet")
        >>> r.rate_at(0, 10_000) < r.rate_at(5_000, 10_000) == r.rate
        True
        """
        left = (steps - step) / max(self.decay * steps, 1)
        return self.rate * min((step + 1) / max(self.warmup, 1), 1.0, left)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _within(value: Any, low: float, high: float) -> bool:
    """Whether it is a number, and a finite one, in this range."""
    return type(value) in (int, float) and value in Bounds(low, high)


def _pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def read(name: str) -> Recipe:
    """A recipe by name (one of the package's) or by the path of a TOML file.

    Raises UnknownName where there is none of that name, WrongUsage where there is no such file, or
    it does not read as a recipe.
    """
    own = sorted(path.stem for path in FOLDER.glob("*.toml"))
    meant = "." in name or os.sep in name  # a file; no recipe of ours has a dot in its name
    if not meant and name not in own:
        raise UnknownName("recipe", name, own)
    path = Path(name) if meant else FOLDER / f"{name}.toml"
    values = _values(path, own)
    try:
        return _made(path.stem, values)
    except RepscopeError as error:
        raise WrongUsage(f"{path}: {error}") from None


def _values(path: Path, own: list[str]) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WrongUsage(
            f"There is no file {path}; give the path of a TOML file, or one of {', '.join(own)}."
        ) from None
    except OSError as error:
        raise WrongUsage(f"The recipe {path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        raise WrongUsage(f"The recipe {path} does not read as one: {error}.") from None


def _made(name: str, values: dict[str, Any]) -> Recipe:
    """A recipe of what a file says, once each field of it is known to be one, and none is missing."""
    _named("recipe", Recipe, values, {"name"})
    values["architecture"] = _architecture(values["architecture"])
    for pair in PAIRS:
        if isinstance(value := values.get(pair), list):
            values[pair] = tuple(value)
    return Recipe(name=name, **values)


def _architecture(shape: Any) -> Architecture:
    if not isinstance(shape, dict):
        raise WrongUsage(
            f"A recipe's architecture is a table, [architecture], of width, depth and others; got {shape!r}."
        )
    values: dict[str, Any] = dict(shape)
    _named("architecture", Architecture, values)
    grid = values["grid"]
    if not (isinstance(grid, list) and len(grid) == 2):
        raise WrongUsage(f"An architecture's grid is two whole numbers, as in [8, 8]; got {grid!r}.")
    values["grid"] = tuple(grid)
    return Architecture(**values)


def _named(what: str, kind: Any, values: dict[str, Any], given: Collection[str] = ()) -> None:
    """Raises WrongUsage for a field that is missing, UnknownName for one that there is none of."""
    known = {each.name: each for each in fields(kind) if each.name not in given}
    for name, each in known.items():
        if name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise WrongUsage(f"It does not read as a recipe: it has no {name!r}.")
    for name in values:
        if name not in known:
            raise UnknownName(f"field of {'an' if what[0] in 'aeiou' else 'a'} {what}", name, known)
