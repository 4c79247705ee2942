"""ijepa: from one block of an image, foresee a teacher's tokens of others."""

from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import layer_norm, smooth_l1_loss

from repscope.encoders.vit import ViT
from repscope.encoders.vit.model import gather
from repscope.lab import masks
from repscope.lab.narrow import Narrow
from repscope.lab.objectives import Objective


class JointEmbeddingPrediction(Objective):
    """Smooth L1 between predicted and layer-normalised teacher tokens of four target blocks.

    The teacher is a moving average of the encoder, .996 rising to 1 over training; it is the
    encoder that is kept. Assran et al., Self-supervised learning from images with a
    joint-embedding predictive architecture, CVPR 2023 (arXiv 2301.08243).
    """

    def __init__(self, encoder: ViT, momentum: float = 0.996):
        super().__init__(encoder)
        self.momentum = momentum
        self.predictor = Narrow(encoder.architecture, outputs=encoder.architecture.width)
        self.teacher = deepcopy(encoder).requires_grad_(False)

    def loss(self, images: Float[Tensor, "B 3 H W"], generator: torch.Generator) -> Float[Tensor, ""]:
        shown, asked = masks.blocks(len(images), self.encoder.grid(images), generator)
        shown, asked = shown.to(images.device), asked.to(images.device)
        with torch.no_grad():
            patches = self.teacher(images)[0][:, self.encoder.architecture.prefix :]
            patches = layer_norm(patches, patches.shape[-1:])
            targets = torch.cat([gather(patches, block) for block in asked])
        count, tokens = len(asked), self.encoder.encode(images, shown)
        foreseen = self.predictor(tokens.repeat(count, 1, 1), shown.repeat(count, 1), asked.flatten(0, 1))
        return smooth_l1_loss(foreseen.float(), targets.float())

    @torch.no_grad()
    def follow(self, progress: float) -> None:
        rate = self.momentum + (1 - self.momentum) * progress
        for slow, fast in zip(self.teacher.parameters(), self.encoder.parameters(), strict=True):
            slow.lerp_(fast, 1 - rate)

    @property
    def result(self) -> ViT:
        return self.teacher


ijepa = JointEmbeddingPrediction
