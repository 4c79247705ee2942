"""Objectives: one file each; what an encoder is asked to do with unlabelled images."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from repscope.catalogue import Catalogue
from repscope.encoders.vit import ViT


class Objective(nn.Module, ABC):
    """A loss around an encoder, with whatever else it needs to train.

    Attributes:
        encoder: Trained by the loss.
    """

    def __init__(self, encoder: ViT):
        super().__init__()
        self.encoder = encoder

    @abstractmethod
    def loss(self, images: Float[Tensor, "B 3 H W"], generator: torch.Generator) -> Float[Tensor, ""]:
        """The loss of one batch of normalised images; every random choice from the generator."""

    def follow(self, progress: float) -> None:
        """Called after each step with the share of training done, for what gradients do not move; most have nothing."""

    @property
    def result(self) -> ViT:
        """The encoder to keep."""
        return self.encoder


catalogue: Catalogue[type[Objective]] = Catalogue("objective", __name__)
