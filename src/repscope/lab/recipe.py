"""Recipe: what a run is made of, read from a TOML file; one dial (epochs) and the exceptions."""

import math
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from repscope.encoders.vit import Architecture
from repscope.errors import UnknownName, WrongUsage

FOLDER = Path(__file__).parent / "recipes"

Optimiser = Literal["muon", "adamw"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Recipe:
    """Encoder, budget and optimiser of a run; the same for every objective that is compared.

    Attributes:
        size: Side of the training images, pixels.
        view, local: Side of a distorted and of a small view, for objectives that compare several
            of one image; where not given `size`, and half of `view`, down to whole patches.
        objective: What is trained where the command names none.
        options: Of objectives, by their name: `[options.dino] locals = 2`.
        optimiser: `muon` for the matrices of blocks and AdamW for the rest, or `adamw` for all.
        snapshots: How many encoders are kept along the way, evenly spread, the last among them.
        architecture: Of the encoder.
        epochs: Presentations of the whole training set; 0 leaves the encoder as it was initialised.
        batch: Images in one step.
        rate: Peak learning rate; it rises over `warmup` steps, holds, and falls linearly to 0
            over the last `decay` of the run.
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
        patch = self.architecture.patch
        object.__setattr__(self, "view", self.view or self.size)
        object.__setattr__(self, "local", self.local or max(self.view // patch // 2, 1) * patch)
        for name, least in (("size", 1), ("batch", 1), ("warmup", 0), ("seed", 0), ("snapshots", 0)):
            value = getattr(self, name)
            self._want(name, type(value) is int and value >= least, f"a whole number, {least} or more")
        self._want("seed", self.seed < 2**24, "below 16777216")
        for name in ("rate", "clip"):
            self._want(name, _within(getattr(self, name), 0, math.inf) and getattr(self, name) > 0, "above 0")
        for name in ("epochs", "weight_decay"):
            self._want(name, _within(getattr(self, name), 0, math.inf), "0 or more")
        self._want("decay", _within(self.decay, 0, 1), "a share of the run, 0 to 1")
        for name in ("view", "local"):
            side = getattr(self, name)
            self._want(name, type(side) is int and side > 0 and side % patch == 0, f"whole patches of {patch} pixels")
        self._want("optimiser", self.optimiser in get_args(Optimiser), " or ".join(get_args(Optimiser)))
        tables = isinstance(self.options, dict) and all(isinstance(table, dict) for table in self.options.values())
        self._want("options", tables, "a table for each objective")
        self._want("precision", self.precision in get_args(Precision), " or ".join(get_args(Precision)))
        pair = len(self.betas) == 2 and all(_within(beta, 0, 1) and beta < 1 for beta in self.betas)
        self._want("betas", pair, "two numbers from 0 to below 1")
        part = len(self.crop) == 2 and all(_within(share, 0, 1) for share in self.crop)
        self._want("crop", part and 0 < self.crop[0] <= self.crop[1], "two shares of an image's area, the lesser first")
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
    return type(value) in (int, float) and math.isfinite(value) and low <= value <= high


def read(name: str) -> Recipe:
    """A recipe by name (one of the package's) or by the path of a TOML file.

    Raises UnknownName where there is none, WrongUsage where the file does not read as one.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise UnknownName("recipe", name, [p.stem for p in FOLDER.glob("*.toml")])
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        shape = values.pop("architecture")
        architecture = Architecture(**shape | {"grid": tuple(shape["grid"])})
        values |= {k: tuple(values[k]) for k in ("betas", "crop") if k in values}
        return Recipe(name=path.stem, architecture=architecture, **values)
    except KeyError as error:
        raise WrongUsage(f"The recipe {path} does not read as one: it has no {error}.") from None
    except WrongUsage as error:
        raise WrongUsage(f"{path}: {error}") from None
    except (TypeError, ValueError) as error:  # not TOML, not UTF-8, or a name there is no place for
        raise WrongUsage(f"The recipe {path} does not read as one: {error}.") from None
