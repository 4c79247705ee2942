"""Recipe: what a run is made of, read from a TOML file; one dial (epochs) and the exceptions."""

import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from repscope.encoders.vit import Architecture
from repscope.errors import UnknownName, WrongUsage

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True)
class Recipe:
    """Backbone, budget and optimiser of a run; the same for every objective that is compared.

    Attributes:
        size: Side of the training images, pixels.
        architecture: Of the backbone.
        epochs: Presentations of the whole training set.
        batch: Images in one step.
        rate: Peak learning rate; it rises over `warmup` steps, holds, and falls linearly to 0
            over the last `decay` of the run.
        precision: Of matrix products; weights, norms, losses and the residual stream stay float32.
    """

    name: str
    size: int
    architecture: Architecture
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
    precision: Literal["float32", "bfloat16"] = "float32"
    notes: dict[str, Any] = field(default_factory=dict)

    def rate_at(self, step: int, steps: int) -> float:
        """The learning rate of a step: warm up, hold, decay.

        >>> r = read("tiny-imagenet")
        >>> r.rate_at(0, 10_000) < r.rate_at(5_000, 10_000) == r.rate
        True
        """
        left = (steps - step) / max(self.decay * steps, 1)
        return self.rate * min((step + 1) / self.warmup, 1.0, left)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def read(name: str) -> Recipe:
    """A recipe by name (one of the package's) or by the path of a TOML file."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise UnknownName("recipe", name, [p.stem for p in FOLDER.glob("*.toml")])
    values = tomllib.loads(path.read_text())
    try:
        shape = values.pop("architecture")
        architecture = Architecture(**shape | {"grid": tuple(shape["grid"])})
        pairs = {k: tuple(values[k]) for k in ("betas", "crop") if k in values}
        return Recipe(name=path.stem, architecture=architecture, **values | pairs)
    except (TypeError, KeyError) as error:
        raise WrongUsage(f"The recipe {path} does not read as one: {error}.") from None
