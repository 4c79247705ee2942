"""distill: one student of several teachers, or of one."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, smooth_l1_loss

from repscope.encoders.vit import ViT
from repscope.errors import WrongUsage
from repscope.lab import views
from repscope.lab.bounds import Width
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch, Objective, Setting
from repscope.lab.processes import gathered
from repscope.lab.projector import projector


class Distillation(Objective):
    """For each teacher .9 (1 - cosine) + .1 smooth L1, of image embeddings and of patch tokens, meaned.

    The student foresees each teacher's tokens through a projector of its own. Targets are
    standardised over the batch, dimension by dimension, so that no teacher's scale or mean
    decides. Several teachers at once are the direct baseline; EUPE's way is two runs of it: a
    proxy of the several, then a student of the proxy alone (arXiv 2603.22387). Loss: Ranzinger et
    al., AM-RADIO, CVPR 2024 (arXiv 2312.06709).

    Args:
        hidden: Width of the inner layer of each projector.
        teachers: Encoders to learn from: names of those that come with the package, or files and
            folders of the lab; each sees the images the student sees.
    """

    taught: ClassVar[bool] = True
    least: ClassVar[int] = 2  # targets are standardised over the batch

    def __init__(self, encoder: ViT, setting: Setting, teachers: Sequence[str | ViT] = (), hidden: Width = 384):
        super().__init__(encoder, setting)
        if not teachers:
            raise WrongUsage("distill wants one teacher or more: --teacher NAME or FILE, once for each.")
        found = [teacher if isinstance(teacher, ViT) else _teacher(teacher) for teacher in teachers]
        for teacher in found:
            if teacher.architecture.patch != encoder.architecture.patch:
                raise WrongUsage(
                    f"distill wants teachers that cut images as the student does, into patches of "
                    f"{encoder.architecture.patch} pixels; one cuts {teacher.architecture.patch}. Choose another."
                )
        self.teachers = nn.ModuleList(teacher.eval().requires_grad_(False) for teacher in found)
        width = encoder.architecture.width
        self.heads = nn.ModuleList(projector((width, hidden, t.architecture.width), normed=False) for t in found)

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        return (views.normalised(views.cropped(pixels, chance, self.setting.view, self.setting.crop)),)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        (images,) = batch.views
        tokens, terms = patches(self.encoder, images), []
        for teacher, head in zip(self.teachers, self.heads, strict=True):
            with torch.no_grad():
                target = patches(teacher, images)  # pyright: ignore[reportArgumentType]
                each, whole = standardised(target), standardised(target.mean(1))
            terms += [self.between(head(tokens).float(), each), self.between(head(tokens.mean(1)).float(), whole)]
        return torch.stack(terms).mean()

    @staticmethod
    def between(said: Float[Tensor, "... D"], target: Float[Tensor, "... D"]) -> Float[Tensor, ""]:
        return 0.9 * (1 - cosine_similarity(said, target, dim=-1)).mean() + 0.1 * smooth_l1_loss(said, target)


def patches(encoder: ViT, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B N D"]:
    """The output's patch tokens, float32."""
    return encoder(images)[0][:, encoder.architecture.prefix :].float()


def standardised(x: Float[Tensor, "... D"]) -> Float[Tensor, "... D"]:
    """Each dimension with mean 0 and variance 1 over all processes' rows."""
    variance, mean = torch.var_mean(gathered(x.flatten(0, -2)), 0, correction=0)
    return (x - mean) * (variance + 1e-6).rsqrt()


def _teacher(name: str) -> ViT:
    from repscope.lab.checkpoint import read_encoder

    return read_encoder(name)


distill = Distillation
