"""Optimiser: Muon for the matrices of transformer blocks, AdamW for everything else."""

from typing import Any

import torch
from torch import Tensor, nn

from repscope.lab.muon import Muon
from repscope.lab.recipe import Recipe


class Optimiser:
    """One step of both; their rates move together.

    Muon (Jordan et al., 2024) orthogonalises the momentum of each weight matrix of the blocks, of
    the encoder and of predictors, and is scaled to AdamW's size of step (Liu et al., arXiv
    2502.16982), so that one rate serves both. Biases, norms and single vectors do not decay.
    """

    def __init__(self, objective: nn.Module, recipe: Recipe):
        named = [(name, p) for name, p in objective.named_parameters() if p.requires_grad]
        self.parameters = [p for _, p in named]
        matrices = [p for name, p in named if p.ndim == 2 and ".blocks." in f".{name}"]
        turned = {id(p) for p in matrices} if recipe.optimiser == "muon" else set()
        rest = [p for p in self.parameters if id(p) not in turned]
        groups: list[dict[str, Any]] = [
            {"params": [p for p in rest if p.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.parts: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=recipe.rate, betas=recipe.betas)]
        if turned:
            self.parts.append(Muon(matrices, recipe.rate, recipe.weight_decay))
        self.clip = recipe.clip

    def step(self, rate: float) -> None:
        """Move by the gradients, clipped together to the recipe's length, and forget them."""
        nn.utils.clip_grad_norm_(self.parameters, self.clip)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Every tensor it keeps, by part, parameter and name."""
        return {
            f"{k}.{place}.{name}": value
            for k, part in enumerate(self.parts)
            for place, kept in part.state_dict()["state"].items()
            for name, value in kept.items()
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` gave; raises ValueError for what another optimiser gave."""
        kept: list[dict[int, dict[str, Tensor]]] = [{} for _ in self.parts]
        sizes = [[p.shape for group in part.param_groups for p in group["params"]] for part in self.parts]
        for key, value in state.items():
            number, place, name = key.split(".")
            k, p = int(number), int(place)
            if not (0 <= k < len(sizes) and 0 <= p < len(sizes[k]) and value.shape in ((), sizes[k][p])):
                raise ValueError(f"the optimiser has no place for {key} of shape {tuple(value.shape)}")
            kept[k].setdefault(p, {})[name] = value
        for part, its in zip(self.parts, kept, strict=True):
            part.load_state_dict(part.state_dict() | {"state": its})
