"""Objectives: one file each; what an encoder is asked to do with images."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from repscope.catalogue import Catalogue
from repscope.encoders.vit import ViT
from repscope.lab import views
from repscope.lab.chance import Chance


@dataclass(frozen=True)
class Setting:
    """What a run tells its objective of itself.

    Attributes:
        images: How many there are to train on.
        classes: Of their labels; 0 where there are none.
        size: Side of a whole view, pixels.
        view: Side of a view, for all objectives but those that mask parts of one whole view.
        local: Side of a small one.
        crop: Least and largest share of the image that a view shows.
    """

    images: int
    classes: int
    size: int
    view: int
    local: int
    crop: tuple[float, float] = (0.3, 1.0)

    @property
    def small_crop(self) -> tuple[float, float]:
        """Least and largest share of the image that a small view shows: where a large one begins, it ends."""
        return min(0.05, self.crop[0]), self.crop[0]


@dataclass(frozen=True)
class Batch:
    """What one step trains on.

    Attributes:
        views: Tensors with a row per image, as the objective's `views` made them.
        labels: Class of each image, -1 where it is not known.
        rows: Place of each image in the training set.
        chance: For what else the loss draws.
    """

    views: tuple[Float[Tensor, "B ..."], ...]
    labels: Int[Tensor, " B"]
    rows: Int[Tensor, " B"]
    chance: Chance


class Objective(nn.Module, ABC):
    """A loss around an encoder, with whatever else it needs to train.

    Attributes:
        encoder: Trained by the loss.
        setting: Of the run.
        labelled: Whether the loss reads labels; a card says so.
        taught: Whether it learns from other encoders, and through them perhaps from labels.
        least: Images in the smallest batch it can learn from.

    What else `__init__` takes are the objective's options; a number's bounds stand in its annotation
    (`repscope.lab.bounds`).

    Parts besides the encoder are initialised from the run's seed once the objective is made. Those
    called `teacher...` are not: `teacher` is a copy of the encoder, `teacher_x` gets the weights of
    `x`. A moving average wants such a name, or it would start elsewhere than what it follows.
    """

    labelled: ClassVar[bool] = False
    taught: ClassVar[bool] = False
    least: ClassVar[int] = 1

    def __init__(self, encoder: ViT, setting: Setting):
        super().__init__()
        self.encoder = encoder
        self.setting = setting

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        """What is made of the photos before the encoder sees them: one crop, where an objective wants no more."""
        return (views.normalised(views.cropped(pixels, chance, self.setting.size, self.setting.crop)),)

    @abstractmethod
    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        """The loss of one batch; every random choice from its chance."""

    def follow(self, progress: float) -> None:
        """Called after each step with the share of training done, for what gradients do not move; most have nothing."""

    @property
    def result(self) -> ViT:
        """The encoder to keep."""
        return self.encoder


def embedded(encoder: ViT, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B D"]:
    """One vector per image: the mean of its patch tokens, float32."""
    return encoder(images)[0][:, encoder.architecture.prefix :].float().mean(1)


def momentum(start: float, progress: float) -> float:
    """A teacher's share of itself, from `start` to 1 along half a cosine; from 0 it stays there.

    >>> round(momentum(0.996, 0.5), 3), momentum(0, 0.5)
    (0.998, 0.0)
    """
    return 0.0 if start == 0 else 1 - (1 - start) * (math.cos(math.pi * progress) + 1) / 2


catalogue: Catalogue[type[Objective]] = Catalogue("objective", __name__)
