"""Two distorted views of each image and a projector: what the joint-embedding objectives share."""

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.lab import views
from repscope.lab.bounds import Width
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch, Objective, Setting, embedded
from repscope.lab.processes import gathered
from repscope.lab.projector import projector


def two_views(
    pixels: UInt8[Tensor, "B 3 H W"], chance: Chance, setting: Setting
) -> tuple[Float[Tensor, "B 3 S S"], Float[Tensor, "B 3 S S"]]:
    """Two views of each image, the first always blurred, the second seldom but sometimes solarised (BYOL's recipe)."""
    return (
        views.distorted(pixels, chance, setting.view, setting.crop, blur=1.0, solar=0.0),
        views.distorted(pixels, chance, setting.view, setting.crop, blur=0.1, solar=0.2),
    )


class TwoViews(Objective):
    """A loss between the projected embeddings of two views, over all processes' images.

    Args:
        hidden: Width of the projector's two inner layers.
        outputs: Width of what it gives.
    """

    least: ClassVar[int] = 2  # each image is told from the others of its batch

    def __init__(self, encoder: ViT, setting: Setting, hidden: Width = 512, outputs: Width = 256):
        super().__init__(encoder, setting)
        self.projector = projector((encoder.architecture.width, hidden, hidden, outputs))

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        return two_views(pixels, chance, self.setting)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        one, two = (gathered(self.projector(embedded(self.encoder, view)).float()) for view in batch.views)
        with torch.autocast(one.device.type, enabled=False):  # the loss stays float32, its matrix products too
            return self.between(one, two)

    @abstractmethod
    def between(self, one: Float[Tensor, "B D"], two: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        """The loss of two views' projections, row by row of the same images."""
