"""byol: from one view, foresee a slow teacher's embedding of the other."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from repscope.encoders.vit import ViT
from repscope.lab import average
from repscope.lab.bounds import PartialShare, Width
from repscope.lab.objectives import Batch, Setting, embedded, momentum
from repscope.lab.objectives._two_views import TwoViews
from repscope.lab.projector import projector


class BootstrapYourOwnLatent(TwoViews):
    """2 - 2 cos(predictor(student view), teacher's other view), both ways round, meaned.

    The teacher is a moving average, .996 rising to 1. Grill et al., Bootstrap your own latent,
    NeurIPS 2020 (arXiv 2006.07733).

    Args:
        teacher_momentum: Where the teacher's momentum starts; 0 makes the teacher the student.
        stop: Whether gradients stop at the teacher's side. Without it teacher and student are one
            network that learns from both sides, and it collapses.
        predict: Whether there is a predictor.
    """

    def __init__(
        self,
        encoder: ViT,
        setting: Setting,
        teacher_momentum: PartialShare = 0.996,
        stop: bool = True,
        predict: bool = True,
        hidden: Width = 512,
        outputs: Width = 256,
    ):
        super().__init__(encoder, setting, hidden, outputs)
        self.momentum, self.stop = teacher_momentum, stop
        self.predictor = projector((outputs, hidden, outputs)) if predict else nn.Identity()
        self.teacher = average.teacher_of(self.encoder)
        self.teacher_projector = average.teacher_of(self.projector)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        student = [self.projector(embedded(self.encoder, view)).float() for view in batch.views]
        if self.stop:
            with torch.no_grad():
                teacher = [self.teacher_projector(embedded(self.teacher, view)).float() for view in batch.views]
        else:
            teacher = student
        one, two = (self.predictor(z).float() for z in student)
        return (self.between(one, teacher[1]) + self.between(two, teacher[0])) / 2

    def between(self, one: Float[Tensor, "B D"], two: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        return (2 - 2 * cosine_similarity(one, two)).mean()

    def follow(self, progress: float) -> None:
        kept = momentum(self.momentum, progress)
        average.follow(self.teacher, self.encoder, kept)
        average.follow(self.teacher_projector, self.projector, kept)

    @property
    def result(self) -> ViT:
        return self.teacher if self.stop else self.encoder


byol = BootstrapYourOwnLatent
