"""dino: small views name an image as a slow teacher names its large views."""

from typing import Annotated

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import linear, log_softmax, normalize, softmax

from repscope.encoders.vit import ViT
from repscope.lab import average, views
from repscope.lab.bounds import Bounds, Count, PartialShare, Positive, Width
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch, Objective, Setting, embedded, momentum
from repscope.lab.objectives._two_views import two_views
from repscope.lab.processes import gathered
from repscope.lab.projector import projector


class Head(nn.Module):
    """A projector, unit length, and cosines to `outputs` prototypes of unit length."""

    def __init__(self, width: int, hidden: int, bottleneck: int, outputs: int):
        super().__init__()
        self.inner = projector((width, hidden, hidden, bottleneck), normed=False)
        self.prototypes = nn.Parameter(torch.empty(outputs, bottleneck))

    def forward(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B K"]:
        x = normalize(self.inner(x).float(), dim=1)
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 cosines, over .04, are off by a tenth
            return linear(x, normalize(self.prototypes, dim=1))


class SelfDistillation(Objective):
    """Cross-entropy of the teacher's softmax((t - centre) / .04) and the student's softmax(s / .1).

    Over all pairs of a teacher's large view and another view of the student's. The teacher is a
    moving average, .996 rising to 1 along a cosine; the centre a moving average (.9) of its
    outputs. Caron et al., Emerging properties in self-supervised vision transformers, ICCV 2021
    (arXiv 2104.14294).

    Args:
        locals: How many small views, each of .05 of the image up to the recipe's least `crop`.
        hidden: Width of the head's two inner layers.
        bottleneck: Width of what the head compares with prototypes.
        outputs: Prototypes.
        centring: Without it the teacher may call every image the same.
        teacher_momentum: 0 makes the teacher the student of the step before.
        teacher_temperature: The lower, the sharper; 1 sharpens nothing.
        student_temperature: The same of the student's side.
    """

    def __init__(
        self,
        encoder: ViT,
        setting: Setting,
        locals: Annotated[int, Bounds(0, 100)] = 2,  # noqa: A002
        hidden: Width = 512,
        bottleneck: Width = 128,
        outputs: Count = 1024,
        teacher_momentum: PartialShare = 0.996,
        teacher_temperature: Positive = 0.04,
        student_temperature: Positive = 0.1,
        centring: bool = True,
    ):
        super().__init__(encoder, setting)
        self.locals, self.momentum, self.centring = locals, teacher_momentum, centring
        self.temperatures = teacher_temperature, student_temperature
        self.head = Head(encoder.architecture.width, hidden, bottleneck, outputs)
        self.teacher, self.teacher_head = average.teacher_of(encoder), average.teacher_of(self.head)
        self.register_buffer("centre", torch.zeros(outputs))
        self.centre: Tensor

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        s, large = self.setting, two_views(pixels, chance, self.setting)
        return large + tuple(
            views.distorted(pixels, chance, s.local, s.small_crop, 0.5, 0.0) for _ in range(self.locals)
        )

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        large, small = torch.cat(batch.views[:2]), batch.views[2:]
        with torch.no_grad():
            named = self.teacher_head(embedded(self.teacher, large))
            targets = softmax((named - self.centre) / self.temperatures[0], 1).chunk(2)
            if self.centring and self.training:
                self.centre.lerp_(gathered(named).mean(0), 0.1)
        said = [*self._said(large).chunk(2), *(self._said(torch.cat(small)).chunk(len(small)) if small else ())]
        terms = [self.between(target, s) for t, target in enumerate(targets) for v, s in enumerate(said) if t != v]
        return torch.stack(terms).mean()

    def _said(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B K"]:
        """The student's log-probabilities."""
        return log_softmax(self.head(embedded(self.encoder, images)) / self.temperatures[1], 1)

    @staticmethod
    def between(target: Float[Tensor, "B K"], said: Float[Tensor, "B K"]) -> Float[Tensor, ""]:
        """Cross-entropy of probabilities and log-probabilities, meaned over images."""
        return -(target * said).sum(1).mean()

    def follow(self, progress: float) -> None:
        kept = momentum(self.momentum, progress)
        average.follow(self.teacher, self.encoder, kept)
        average.follow(self.teacher_head, self.head, kept)

    @property
    def result(self) -> ViT:
        return self.teacher


dino = SelfDistillation
