"""Elsewhere: a network on another device than the one its photos come from and its tokens go to."""

from collections.abc import Sequence
from copy import copy
from typing import final

import torch
from torch import Tensor

from repscope.encoders.contract import Precision
from repscope.encoders.vit.architecture import Architecture
from repscope.encoders.vit.model import ViT
from repscope.errors import Unsupported


@final
class Elsewhere:
    """A ViT on a device; pixels are brought to it and sequences brought back, float32.

    In bfloat16 its products are rounded as torch's autocast rounds them; norms and the softmax stay float32.
    """

    def __init__(self, vit: ViT, device: str, precision: Precision):
        self.device, self.precision = checked(device), precision
        self.vit = vit.float().to(self.device)

    def __call__(
        self, pixels: Tensor, layers: Sequence[int], received: dict[int, Tensor] | None = None
    ) -> list[Tensor]:
        with self._rounding():
            said = [x.float().cpu() for x in self.vit(pixels.to(self.device, non_blocking=True), layers, received)]
        if received is not None:
            received |= {layer: weights.float().cpu() for layer, weights in received.items()}
        return said

    def attention(self, pixels: Tensor, block: int) -> Tensor:
        with self._rounding():
            return self.vit.attention(pixels.to(self.device), block).float().cpu()

    def under(self, architecture: Architecture) -> "Elsewhere":
        other = copy(self)
        other.vit = self.vit.under(architecture)
        return other

    def _rounding(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")


def checked(device: str) -> torch.device:
    """The device of this name; raises Unsupported where there is none."""
    try:
        found = torch.device(device)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise Unsupported(f"There is no device {device!r} to run an encoder on here ({said}); leave it out.") from None
    return found
