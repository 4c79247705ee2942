"""The one loop: batches of views through an objective, with checkpoints that resume exactly."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.errors import UnfitData, WrongUsage
from repscope.lab import checkpoint, log, processes
from repscope.lab.build import device_of, precision_of
from repscope.lab.chance import Chance, stream
from repscope.lab.data import TrainingSet
from repscope.lab.objectives import Batch, Objective
from repscope.lab.optimiser import Optimiser
from repscope.lab.recipe import Recipe

STEPS = "steps"


class Watcher(Protocol):
    """Whatever looks at the encoder along the way: the monitor, for one."""

    def __call__(self, encoder: ViT, step: int) -> Mapping[str, Any] | None:
        """Readings for the log, or None where it is not this step's turn."""
        ...


@dataclass(frozen=True)
class Trained:
    """What a run has made.

    Attributes:
        encoder: The one to keep.
        steps: Steps it took, in all its parts.
        per_epoch: Steps of one epoch; images that do not fill the last batch sit it out.
        precision: Of its matrix products.
    """

    encoder: ViT
    steps: int
    per_epoch: int
    precision: str = "float32"

    @property
    def epochs(self) -> float:
        return self.steps / self.per_epoch


@lru_cache(1)
def _order(seed: int, epoch: int, images: int) -> Tensor:
    """Of an epoch; kept while it lasts, because a million images take longer to shuffle than a step."""
    return torch.randperm(images, generator=torch.Generator().manual_seed(stream(seed, epoch)))


def rows_of(recipe: Recipe, images: int, step: int) -> Tensor:
    """The places of a step's images in the training set: a function of seed and step alone."""
    epoch, place = divmod(step, images // recipe.batch)
    return _order(recipe.seed, epoch, images)[place * recipe.batch : (place + 1) * recipe.batch]


def batch_of(objective: Objective, data: TrainingSet, recipe: Recipe, step: int) -> Batch:
    """This process's part of a step's batch, where the objective is."""
    mine, device = processes.share(recipe.batch), device_of(objective)
    rows = rows_of(recipe, len(data), step)[mine]
    chance = Chance(stream(recipe.seed, step + 1), recipe.batch, mine)
    views = objective.views(torch.as_tensor(data.pixels[rows]).to(device), chance)
    return Batch(views, data.labels[rows].to(device), rows.to(device), chance)


def steps_of(recipe: Recipe, images: int) -> tuple[int, int]:
    """The steps of the whole run and of one epoch; raises UnfitData for fewer images than one batch."""
    if recipe.batch > images:
        raise UnfitData(
            f"A batch of {recipe.batch} wants as many images; the training set has {images}. "
            "Add images, or write a recipe with a smaller batch."
        )
    per_epoch = images // recipe.batch
    return math.floor(round(recipe.epochs * per_epoch, 6)), per_epoch  # 2.3 x 100 is 229.99...


@contextmanager
def roomy(what: str, instead: str) -> Iterator[None]:
    """Memory that a device does not have ends as UnfitData, with what to choose instead."""
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)):
            raise
        raise UnfitData(f"{what} want more memory than there is; choose {instead}.") from None


@dataclass
class Run:
    """A run in its folder: what it has reached, and how that is kept.

    Attributes:
        told: What the objective is called, for the card in each snapshot.
    """

    objective: Objective
    recipe: Recipe
    data: TrainingSet
    folder: Path
    told: str = ""

    def __post_init__(self) -> None:
        self.steps, self.per_epoch = steps_of(self.recipe, len(self.data))
        self.moving = Optimiser(self.objective, self.recipe)
        self.precision = precision_of(self.recipe, device_of(self.objective))
        self.state, self.log = self.folder / checkpoint.STATE, self.folder / log.LOG
        count = min(self.recipe.snapshots, self.steps)
        self.marks = {round(self.steps * (k + 1) / count) for k in range(count)}

    def loss(self, step: int) -> tuple[Tensor, float]:
        """The loss of this process's images, with its graph, and its value over all processes.

        Raises UnfitData where that is not finite.
        """
        batch = batch_of(self.objective, self.data, self.recipe, step)
        kind = batch.views[0].device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self.precision == "bfloat16"):
            loss = self.objective.loss(batch)
        value = processes.mean(loss.item())  # one process's is everyone's end: nobody waits for it
        if not math.isfinite(value):
            raise self._astray(f"The loss is {value} at", step)
        return loss, value

    def _astray(self, what: str, step: int) -> UnfitData:
        images = ", ".join(map(str, rows_of(self.recipe, len(self.data), step)[:4].tolist()))
        kept = f"{self.state} is the last good state" if self.state.exists() else "no state was kept before it"
        other = ", or precision float32" if self.precision == "bfloat16" else ""
        return UnfitData(
            f"{what} step {step} (images {images}, ... of the training set); {kept}. Try a smaller rate{other}."
        )

    def step(self, step: int) -> float:
        """One step of training; its loss, over all processes."""
        with roomy("The images of a step", "a recipe with a smaller batch, or smaller views"):
            loss, value = self.loss(step)
            loss.backward()
        processes.averaged(self.moving.parameters)
        self.moving.step(self.recipe.rate_at(step, self.steps))
        self.objective.follow((step + 1) / self.steps)
        return value

    def keep(self, step: int) -> None:
        """The state after this many steps, by the first process alone; raises UnfitData for weights that are none."""
        held = {f"objective.{name}": value for name, value in self.objective.state_dict().items()}
        held |= {f"optimiser.{name}": value for name, value in self.moving.state().items()}
        for name, value in held.items():
            if not torch.isfinite(value).all():
                raise self._astray(f"{name} is not finite after", step - 1)
        self._check(step)
        if processes.rank() == 0:
            checkpoint.write_state(self.state, held, {"step": step, **self._identity()})
        processes.wait()

    def snapshot(self, step: int) -> None:
        """The encoder after this many steps beside the run's, where one is due; raises UnfitData as `keep` does."""
        if step not in self.marks:
            return
        self._check(step)
        if processes.rank() == 0:
            card = {"objective": self.told, "recipe": self.recipe.name, "step": step, "seed": self.recipe.seed}
            card |= {"presentations": step * self.recipe.batch}
            for file in (self.folder / STEPS / f"step-{step}.safetensors", self.folder / checkpoint.ENCODER):
                checkpoint.write_encoder(self.objective.result, file, card)

    def _check(self, step: int) -> None:
        """What the file of an encoder cannot hold is no good state either, though float32 may still."""
        if name := checkpoint.unfitting(self.objective.result):
            raise self._astray(f"The encoder came apart: {name} does not fit float16 after", step - 1)

    def resumed(self, resume: bool) -> int:
        """The step to go on from, 0 where there is no state; the log ends there.

        Raises WrongUsage for a state that is not to be resumed, or is of another run.
        """
        if not self.state.exists():
            log.cut(self.log, -1)  # of a run that is gone
            return 0
        if not resume:
            raise WrongUsage(
                f"{self.folder} holds a run already: add --resume to go on with it, or choose another folder."
            )
        tensors, values = checkpoint.read_state(self.state)
        if others := _differences(values, self._identity()):
            raise WrongUsage(
                f"{self.state} is of another run: {'; '.join(others)}. Go on with what it was begun with, or choose "
                "another folder."
            )
        parts: dict[str, dict[str, Tensor]] = {"objective": {}, "optimiser": {}}
        try:
            for name, value in tensors.items():
                part, _, rest = name.partition(".")
                parts[part][rest] = value
            self.objective.load_state_dict(parts["objective"])
            self.moving.restore(parts["optimiser"])
        except (KeyError, ValueError, RuntimeError) as error:
            raise checkpoint.unfit(self.state, " ".join(str(error).split())) from None
        log.cut(self.log, values["step"])
        return values["step"]

    def _identity(self) -> dict[str, Any]:
        """What must not change between a run and its resumption; epochs, the dial, may."""
        recipe = json.loads(json.dumps(asdict(self.recipe)))
        for dial in ("epochs", "snapshots", "precision"):
            recipe.pop(dial)
        kind = {"objective": self.told or type(self.objective).__name__, "precision": self.precision}
        return kind | {"recipe": recipe, "data": self.data.digest, "images": len(self.data)}


def _differences(was: Mapping[str, Any], mine: Mapping[str, Any]) -> list[str]:
    """In which values a run differs from another, in words; each once."""
    before, here = _flat({name: was.get(name) for name in mine}), _flat(mine)
    names = [name for name in before | here if before.get(name) != here.get(name)]
    if "images" in names:
        names = [name for name in names if name != "data"]  # how many says more than that they are others
    told = (_difference(name, before.get(name, "not set"), here.get(name, "not set")) for name in names)
    return list(dict.fromkeys(told))


def _flat(values: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    """Values of nested tables by their path."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{within}{name}"
        flat |= _flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat


def _difference(path: str, was: Any, is_: Any) -> str:
    if path == "data":
        return "it was begun on other images or labels"
    if path == "images":
        return f"it was begun on {was} images, here are {is_}"
    return f"its {path.removeprefix('recipe.')} is {was}, here it is {is_}"


def train(
    objective: Objective,
    recipe: Recipe,
    data: TrainingSet,
    folder: Path,
    *,
    told: str = "",
    resume: bool = False,
    every: int = 200,
    watch: Watcher | None = None,
    say: Callable[[dict[str, Any]], None] = lambda line: None,  # noqa: ARG005
) -> Trained:
    """Train to the recipe's end.

    Every `every` steps the run's state goes to `folder/run.state`; with `resume` it goes on from
    there, over the same batches as if it had never stopped, and begins where there is none. Each
    such step adds a line to `folder/log.jsonl`; `say` is given it. What `watch` reads of the encoder
    as it was initialised is the line of step 0. Raises WrongUsage for a folder with a state that is
    not to be resumed, or is of another run; UnfitData for a loss that is not finite.
    """
    run = Run(objective, recipe, data, folder, told)
    first = run.resumed(resume)
    objective.train()
    if not first and watch and (readings := watch(objective.result, 0)):
        line = {"step": 0, "of": run.steps, **readings}
        log.add(run.log, line)
        say(line)
    clock, since, total = time.monotonic(), first, 0.0
    for step in range(first, run.steps):
        total += run.step(step)
        done, last = step + 1, step + 1 == run.steps
        readings = watch(objective.result, done) if watch else None
        run.snapshot(done)
        if done % every == 0 or last or readings:
            speed = (done - since) * recipe.batch / max(time.monotonic() - clock, 1e-9)
            line = {"step": done, "of": run.steps, "loss": total / (done - since), "images_per_second": round(speed, 1)}
            log.add(run.log, line | dict(readings or {}))
            if done % every == 0 or last:
                run.keep(done)  # after the log: what the log has too much is cut when the run goes on
            say(line | dict(readings or {}))
            clock, since, total = time.monotonic(), done, 0.0
    return Trained(objective.eval().result, max(first, run.steps), run.per_epoch, run.precision)
