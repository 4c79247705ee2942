"""Build: a freshly initialised objective, and where and how it runs."""

import math
from inspect import signature
from typing import Any

import torch
from torch import nn

from repscope.encoders.vit import ViT
from repscope.errors import WrongUsage
from repscope.lab.objectives import Objective, Setting
from repscope.lab.recipe import Recipe


def build(
    objective: type[Objective], recipe: Recipe, setting: Setting, options: dict[str, Any] | None = None
) -> Objective:
    """An objective around a fresh encoder, the same for the same seed.

    Raises WrongUsage for options it does not have.
    """
    generator = torch.Generator().manual_seed(recipe.seed)
    encoder = untrained(recipe, generator)
    try:
        signature(objective).bind(encoder, setting, **(options or {}))
    except TypeError as error:
        raise WrongUsage(f"The objective's options do not fit it: {error}.") from None
    made = objective(encoder, setting, **(options or {}))
    for name, part in made.named_children():
        if not name.startswith(("encoder", "teacher")):
            initialise(part, generator)
    for name, part in made.named_children():
        if name.startswith("teacher_"):  # a copy of a part that has only now got its weights
            part.load_state_dict(getattr(made, name.removeprefix("teacher_")).state_dict())
    return made


def untrained(recipe: Recipe, generator: torch.Generator | None = None) -> ViT:
    """The encoder that every run of a recipe begins with; of the recipe's seed where no generator is given."""
    encoder = ViT(recipe.architecture)
    initialise(encoder, torch.Generator().manual_seed(recipe.seed) if generator is None else generator)
    return encoder


def setting_of(recipe: Recipe, images: int, classes: int) -> Setting:
    return Setting(images, classes, recipe.size, recipe.view, recipe.local, recipe.crop)


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


def device_of(module: nn.Module) -> torch.device:
    return next(module.parameters()).device


def precision_of(recipe: Recipe, device: torch.device) -> str:
    """`bfloat16` or `float32`: as the recipe says, or which the device multiplies faster."""
    if recipe.precision != "auto":
        return recipe.precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    if device.type == "cpu":
        # whether bfloat16 is native, torch tells in private alone
        flags = torch.backends.cpu.get_cpu_capability(), torch.cpu._is_avx512_bf16_supported()
        return "bfloat16" if flags[0].startswith("AVX512") and flags[1] else "float32"
    return "float32"
