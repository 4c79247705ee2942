"""The one loop: batches of views through an objective, with checkpoints that resume exactly."""

import json
import math
import time
from collections.abc import Callable
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


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Truncated normal weights of deviation .02, zero biases, unit norms; residual outputs scaled by depth."""
    for name, value in sorted(module.named_parameters()):
        if name.endswith("bias"):
            nn.init.zeros_(value)
        elif value.ndim == 1 and "norm" in name:
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


def train(
    objective: Objective,
    recipe: Recipe,
    data: TrainingSet,
    folder: Path,
    *,
    resume: bool = False,
    every: int = 200,
    say: Callable[[str], None] = print,
) -> ViT:
    """Train to the recipe's end and return the encoder to keep.

    Every `every` steps the run's state goes to `folder/state.pt`; with `resume` it goes on from
    there, over the same batches as if it had never stopped.
    """
    if recipe.batch > len(data):
        raise UnfitData(f"A batch of {recipe.batch} wants as many images; the training set has {len(data)}.")
    steps = int(recipe.epochs * (len(data) // recipe.batch))
    moving, state_file = optimiser(objective, recipe), folder / "state.pt"
    first = _restore(state_file, objective, moving, recipe) if resume and state_file.exists() else 0
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
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(line) + "\n")
            say(f"step {step + 1}/{steps}  loss {line['loss']:.4f}  {speed:.0f} images/s")
            _keep(state_file, objective, moving, recipe, step + 1)
            clock, since, total = time.monotonic(), step + 1, 0.0
    return objective.eval().result


def _identity(recipe: Recipe) -> str:
    """What must not change between a run and its resumption; epochs, the dial, may."""
    return json.dumps({k: v for k, v in recipe.to_dict().items() if k != "epochs"}, sort_keys=True)


def _keep(path: Path, objective: Objective, moving: torch.optim.Optimizer, recipe: Recipe, step: int) -> None:
    state = {"objective": objective.state_dict(), "optimiser": moving.state_dict(), "step": step}
    checkpoint.write_state(path, state | {"recipe": _identity(recipe), "kind": type(objective).__name__})


def _restore(path: Path, objective: Objective, moving: torch.optim.Optimizer, recipe: Recipe) -> int:
    state = checkpoint.read_state(path)
    if state["recipe"] != _identity(recipe) or state["kind"] != type(objective).__name__:
        raise WrongUsage(f"{path} is the state of another recipe or objective; choose another folder to train in.")
    objective.load_state_dict(state["objective"])
    moving.load_state_dict(state["optimiser"])
    return state["step"]
