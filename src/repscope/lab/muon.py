"""Muon over all matrices of one shape at once."""

import math
from collections import defaultdict
from collections.abc import Sequence

import torch
from jaxtyping import BFloat16, Float
from torch import Tensor


class Muon(torch.optim.Muon):
    """torch's Muon with steps as long as AdamW's; matrices of one shape are orthogonalised together.

    The same steps, as near as torch multiplies one matrix and many alike. One small matrix is not enough for two
    threads: together they take them three quarters of the time; one thread gains nothing.
    """

    def __init__(self, matrices: Sequence[Tensor], lr: float, weight_decay: float):
        super().__init__(list(matrices), lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """Move every matrix that has a gradient."""
        for group in self.param_groups:
            alike: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    alike[matrix.shape].append(matrix)
            for shape, matrices in alike.items():
                ahead = torch.stack([self._ahead(matrix, group["momentum"]) for matrix in matrices])
                turned = orthogonal(ahead, group["ns_coefficients"], group["ns_steps"], group["eps"])
                for matrix, update in zip(matrices, turned, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    matrix.add_(update, alpha=-group["lr"] * 0.2 * math.sqrt(max(shape)))

    def _ahead(self, matrix: Tensor, momentum: float) -> Tensor:
        """Nesterov's momentum: the gradient, looked ahead along its average."""
        kept, gradient = self.state[matrix], matrix.grad
        assert gradient is not None
        average = kept.setdefault("momentum_buffer", torch.zeros_like(gradient)).lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)


def orthogonal(
    x: Float[Tensor, "N A B"], coefficients: tuple[float, float, float], steps: int, least: float
) -> BFloat16[Tensor, "N A B"]:
    """Each matrix with its singular values near 1, by Newton-Schulz iterations of degree five, in bfloat16.

    x <- a x + (b x x' + c (x x')^2) x, from x over its norm.
    """
    a, b, c = coefficients
    tall = x.shape[1] > x.shape[2]
    turned = x.bfloat16().mT.contiguous() if tall else x.bfloat16()
    turned = turned / turned.norm(dim=(1, 2), keepdim=True).clamp(min=least)
    for _ in range(steps):
        gram = turned @ turned.mT
        turned = torch.baddbmm(turned, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), turned, beta=a)
    return turned.mT if tall else turned
