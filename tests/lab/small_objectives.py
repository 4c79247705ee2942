"""Every objective at a size that takes a moment, and batches for it."""

from typing import Any

import torch
from torch import Tensor, nn

from repscope.encoders.vit import ViT
from repscope.encoders.vit.model import gather
from repscope.lab import objectives
from repscope.lab.build import build, initialise, setting_of
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch, Objective
from repscope.lab.recipe import Recipe

SMALL: dict[str, dict[str, Any]] = {
    "barlow_twins": {"hidden": 32, "outputs": 16},
    "byol": {"hidden": 32, "outputs": 16},
    "diet": {},
    "dino": {"hidden": 32, "bottleneck": 16, "outputs": 32},
    "distill": {"hidden": 32},
    "ijepa": {"width": 24, "depth": 1},
    "lejepa": {"hidden": 32, "outputs": 16, "slices": 64},
    "mae": {},
    "simclr": {"hidden": 32, "outputs": 16},
    "supervised": {},
    "vicreg": {"hidden": 32, "outputs": 16},
    "vjepa": {"width": 24, "depth": 1},
}


def teacher(recipe: Recipe, seed: int = 7) -> ViT:
    """An encoder that says something of an image, as a trained one would."""
    encoder = ViT(recipe.architecture)
    initialise(encoder, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        encoder.patch.weight.mul_(10)
    return encoder


def made(name: str, recipe: Recipe, images: int = 64, classes: int = 4, **options: Any) -> Objective:
    """This objective around a fresh encoder; `distill` has one teacher unless it is given some."""
    if name == "distill":
        options = {"teachers": (teacher(recipe),)} | options
    setting = setting_of(recipe, images, classes)
    return build(objectives.catalogue[name], recipe, setting, SMALL[name] | options)


def batch(
    objective: Objective, pixels: Tensor, labels: Tensor | None = None, seed: int = 0, mine: slice = slice(None)
) -> Batch:
    """One step's batch of these images, or this process's part of it."""
    chance = Chance(seed, len(pixels), mine)
    labels = torch.arange(len(pixels)) % 4 if labels is None else labels
    views = objective.views(pixels[mine], chance)
    return Batch(views, labels[mine], torch.arange(len(pixels))[mine], chance)


def seen(views: tuple[Tensor, ...], seed: int = 0) -> Batch:
    """A batch of views already made."""
    count = len(views[0])
    return Batch(views, torch.arange(count) % 4, torch.arange(count), Chance(seed, count))


class Painter(nn.Module):
    """In place of a predictor: it knows the answer, and may be off by a constant."""

    def __init__(self, answer: Tensor, off: float = 0.0):
        super().__init__()
        self.answer, self.off = answer, off

    def forward(self, tokens: Tensor, shown: Tensor, asked: Tensor) -> Tensor:  # noqa: ARG002  as predictors are called
        return gather(self.answer, asked) + self.off + 0 * tokens.sum()
