"""ijepa: from one block of an image, foresee a teacher's tokens of others."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import layer_norm, smooth_l1_loss

from repscope.encoders.vit import ViT
from repscope.encoders.vit.model import gather
from repscope.lab import average, masks
from repscope.lab.bounds import Few, PartialShare
from repscope.lab.narrow import Narrow, NarrowWidth
from repscope.lab.objectives import Batch, Objective, Setting, momentum


class JointEmbeddingPrediction(Objective):
    """Smooth L1 between predicted and layer-normalised teacher tokens of four target blocks.

    The teacher is a moving average of the encoder, .996 rising to 1 over training, and it is the
    teacher that is kept. Assran et al., Self-supervised learning from images with a
    joint-embedding predictive architecture, CVPR 2023 (arXiv 2301.08243).

    Args:
        teacher_momentum: 0 makes the teacher the encoder of the step before.
        stop: Whether gradients stop at the teacher's side; without it the encoder is its own
            teacher and collapses.
        width, depth: Of the predictor.

    Raises UnfitData for a grid of patches on which targets leave no context.
    """

    def __init__(
        self,
        encoder: ViT,
        setting: Setting,
        teacher_momentum: PartialShare = 0.996,
        stop: bool = True,
        width: NarrowWidth = 96,
        depth: Few = 4,
    ):
        super().__init__(encoder, setting)
        # a draw of its own: what the first step would refuse is refused before images are decoded
        masks.blocks(1, encoder.architecture.grid, torch.Generator().manual_seed(0))
        self.momentum, self.stop = teacher_momentum, stop
        self.predictor = Narrow(encoder.architecture, encoder.architecture.width, width, depth)
        self.teacher = average.teacher_of(encoder)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        (images,), chance = batch.views, batch.chance
        shown, asked = masks.blocks(chance.count, self.encoder.grid(images), chance.generator)
        shown, asked = chance.mine(shown).to(images.device), asked[:, chance.rows].to(images.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.stop):
            targets = self.target(self.teacher if self.stop else self.encoder, images, asked)
        count, tokens = len(asked), self.encoder.encode(images, shown)
        foreseen = self.predictor(tokens.repeat(count, 1, 1), shown.repeat(count, 1), asked.flatten(0, 1))
        return smooth_l1_loss(foreseen.float(), targets)

    @staticmethod
    def target(teacher: ViT, images: Float[Tensor, "B 3 S S"], asked: Tensor) -> Float[Tensor, "B M D"]:
        """The teacher's tokens of each asked block, each token with mean 0 and variance 1; blocks one after another."""
        patches = teacher(images)[0][:, teacher.architecture.prefix :].float()
        patches = layer_norm(patches, patches.shape[-1:])
        return torch.cat([gather(patches, block) for block in asked])

    def follow(self, progress: float) -> None:
        average.follow(self.teacher, self.encoder, momentum(self.momentum, progress))

    @property
    def result(self) -> ViT:
        return self.teacher if self.stop else self.encoder


ijepa = JointEmbeddingPrediction
