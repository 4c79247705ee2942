"""Projector: the small network between an embedding and a joint-embedding loss."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from repscope.lab.processes import gathered


class BatchNorm(nn.Module):
    """Each dimension to mean 0 and variance 1 over the whole batch, on however many processes; in training and after.

    Without running statistics: a projector is thrown away with the run.
    """

    def __init__(self, width: int, affine: bool = True, epsilon: float = 1e-5):
        super().__init__()
        self.epsilon = epsilon
        self.scale = nn.Parameter(torch.ones(width)) if affine else None
        self.bias = nn.Parameter(torch.zeros(width)) if affine else None

    def forward(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
        x = x.float()
        variance, mean = torch.var_mean(gathered(x), 0, correction=0)
        x = (x - mean) * (variance + self.epsilon).rsqrt()
        return x if self.scale is None or self.bias is None else x * self.scale + self.bias


def projector(widths: Sequence[int], normed: bool = True, last: bool = False) -> nn.Sequential:
    """Linear layers through these widths, batch-normalised and rectified between; `last` normalises the output too."""
    layers: list[nn.Module] = []
    for k, (before, after) in enumerate(pairwise(widths)):
        final = k == len(widths) - 2
        layers.append(nn.Linear(before, after))
        if not final:
            layers += [BatchNorm(after), nn.ReLU()] if normed else [nn.GELU()]
        elif last:
            layers.append(BatchNorm(after, affine=False))
    return nn.Sequential(*layers)
