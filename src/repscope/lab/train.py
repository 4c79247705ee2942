"""The one loop: batches of views through an objective, with checkpoints that resume exactly."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from repscope.encoders.vit import ViT
from repscope.errors import UnfitData, WrongUsage
from repscope.lab import checkpoint, views
from repscope.lab.data import TrainingSet
from repscope.lab.objectives import Objective
from repscope.lab.recipe import Recipe

LOG = "log.jsonl"


@dataclass(frozen=True)
class Trained:
    """What a run has made.

    Attributes:
        encoder: The one to keep.
        steps: Steps it took, in all its parts.
        per_epoch: Steps of one epoch; images that do not fill the last batch sit it out.
    """

    encoder: ViT
    steps: int
    per_epoch: int

    @property
    def epochs(self) -> float:
        return self.steps / self.per_epoch


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Truncated normal weights of deviation .02, zero biases, unit norms; residual outputs scaled by depth."""
    for name, value in sorted(module.named_parameters()):
        if name.endswith("bias"):
            nn.init.zeros_(value)
        elif value.ndim == 1 and ("norm" in name or "scale" in name):
            nn.init.ones_(value)
        else:
            nn.init.trunc_normal_(value, std=0.02, a=-0.04, b=0.04, generator=generator)
    for name, value in module.named_parameters():
        if name.endswith(("output.weight", "outer.weight")) and "blocks." in name:
            block = int(name.split("blocks.")[1].split(".")[0])
            value.data /= math.sqrt(2 * (block + 1))


def build(objective: Callable[[ViT], Objective], recipe: Recipe) -> Objective:
    """A freshly initialised objective, the same for the same seed."""
    generator = torch.Generator().manual_seed(recipe.seed)
    encoder = ViT(recipe.architecture)
    initialise(encoder, generator)
    made = objective(encoder)
    for name, part in made.named_children():
        if name not in ("encoder", "teacher"):
            initialise(part, generator)
    return made


def optimiser(objective: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; biases, norms and single vectors do not decay."""
    moved = [p for p in objective.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in moved if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in moved if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.rate, betas=recipe.betas)


def batch_of(data: TrainingSet, recipe: Recipe, step: int) -> tuple[Tensor, torch.Generator]:
    """The views of a step and the generator its loss draws from: a function of seed and step alone."""
    per_epoch = len(data) // recipe.batch
    epoch, place = divmod(step, per_epoch)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(recipe.seed * 100_003 + epoch))
    rows = order[place * recipe.batch : (place + 1) * recipe.batch]
    generator = torch.Generator().manual_seed((recipe.seed << 40) + step + 1)
    return views.cropped(data.pixels[rows], generator, recipe.crop), generator


def steps_of(recipe: Recipe, images: int) -> tuple[int, int]:
    """The steps of the whole run and of one epoch; raises UnfitData for fewer images than one batch."""
    if recipe.batch > images:
        raise UnfitData(
            f"A batch of {recipe.batch} wants as many images; the training set has {images}. "
            "Add images, or write a recipe with a smaller batch."
        )
    return int(recipe.epochs * (images // recipe.batch)), images // recipe.batch


def train(
    objective: Objective,
    recipe: Recipe,
    data: TrainingSet,
    folder: Path,
    *,
    resume: bool = False,
    every: int = 200,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train to the recipe's end.

    Every `every` steps the run's state goes to `folder/state.pt`; with `resume` it goes on from
    there, over the same batches as if it had never stopped, and begins where there is none.
    Raises WrongUsage for a folder with a state that is not to be resumed, or is of another run.
    """
    steps, per_epoch = steps_of(recipe, len(data))
    moving, state_file, log_file = optimiser(objective, recipe), folder / "state.pt", folder / LOG
    if state_file.exists() and not resume:
        raise WrongUsage(f"{folder} holds a run already: add --resume to go on with it, or choose another folder.")
    first = _restore(state_file, objective, moving, recipe, len(data)) if state_file.exists() else 0
    if first == 0:  # a log without a state is of a run that is gone
        log_file.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    objective.train()
    clock, since, total = time.monotonic(), first, 0.0
    for step in range(first, steps):
        for group in moving.param_groups:
            group["lr"] = recipe.rate_at(step, steps)
        images, generator = batch_of(data, recipe, step)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            loss = objective.loss(images, generator)
        if not torch.isfinite(loss):
            raise UnfitData(f"The loss is {loss.item()} at step {step}; {state_file} is the last good state.")
        moving.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_((p for p in objective.parameters() if p.requires_grad), recipe.clip)
        moving.step()
        objective.follow((step + 1) / steps)
        total += loss.item()
        if (step + 1) % every == 0 or step + 1 == steps:
            speed = (step + 1 - since) * recipe.batch / (time.monotonic() - clock)
            line = {"step": step + 1, "of": steps, "loss": total / (step + 1 - since), "images_per_second": speed}
            _keep(state_file, objective, moving, recipe, step + 1, len(data))
            with log_file.open("a") as log:
                log.write(json.dumps(line) + "\n")
            say(f"step {step + 1}/{steps}  loss {line['loss']:.4f}  {speed:.0f} images/s")
            clock, since, total = time.monotonic(), step + 1, 0.0
    return Trained(objective.eval().result, max(first, steps), per_epoch)


def dial(folder: Path, per_epoch: int) -> list[float]:
    """The lengths in epochs that the run in this folder was set to, in order, as its log has them.

    More than one where it was resumed with another: its rates and averages then jumped.
    """
    if not (folder / LOG).is_file():
        return []
    set_to: list[float] = []
    for line in (folder / LOG).read_text().splitlines():
        try:
            epochs = json.loads(line)["of"] / per_epoch
        except (ValueError, KeyError, TypeError):  # a line that a kill cut off
            continue
        if set_to[-1:] != [epochs]:
            set_to.append(epochs)
    return set_to


def _identity(recipe: Recipe) -> str:
    """What must not change between a run and its resumption; epochs, the dial, may."""
    return json.dumps({k: v for k, v in recipe.to_dict().items() if k != "epochs"}, sort_keys=True)


def _keep(
    path: Path, objective: Objective, moving: torch.optim.Optimizer, recipe: Recipe, step: int, images: int
) -> None:
    state = {"objective": objective.state_dict(), "optimiser": moving.state_dict(), "step": step, "images": images}
    checkpoint.write_state(path, state | {"recipe": _identity(recipe), "kind": type(objective).__name__})


def _restore(path: Path, objective: Objective, moving: torch.optim.Optimizer, recipe: Recipe, images: int) -> int:
    state = checkpoint.read_state(path)
    if state["recipe"] != _identity(recipe) or state["kind"] != type(objective).__name__:
        raise WrongUsage(f"{path} is the state of another recipe or objective; choose another folder to train in.")
    if (held := state.get("images", images)) != images:
        raise WrongUsage(f"{path} is the state of a run on {held} images; here are {images}. Give it the same data.")
    objective.load_state_dict(state["objective"])
    moving.load_state_dict(state["optimiser"])
    return state["step"]
