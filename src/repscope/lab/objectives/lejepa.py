"""lejepa: all views of an image near one point, all images together a standard Gaussian."""

from typing import Annotated, ClassVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import normalize

from repscope.encoders.vit import ViT
from repscope.lab import views
from repscope.lab.bounds import Bounds, Count, Share, Width
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch, Objective, Setting, embedded
from repscope.lab.processes import gathered
from repscope.lab.projector import projector

KNOTS, REACH = 17, 3.0


def sigreg(z: Float[Tensor, "N D"], directions: Float[Tensor, "S D"]) -> Float[Tensor, ""]:
    """How far from N(0, I): the mean over directions of the Epps-Pulley statistic.

    T = N integral_{-3}^{3} |phi(t) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt, phi the empirical
    characteristic function of z along a unit direction; trapezoids over 17 knots of one half,
    twice. N(0, I) expects 1.05; a point gives .402 N.
    """
    at = torch.linspace(0, REACH, KNOTS, device=z.device)
    bell = torch.exp(-at.square() / 2)
    turns = (z @ normalize(directions, dim=1).T)[..., None] * at
    gap = (turns.cos().mean(0) - bell).square() + turns.sin().mean(0).square()
    return 2 * len(z) * torch.trapezoid(gap * bell, at).mean()


class LatentEuclidean(Objective):
    """(1 - lambda) prediction + lambda SIGReg, without teacher, stop-gradient or schedule.

    Prediction is the mean squared distance of every view's projection from the mean of the large
    views' ones; SIGReg the mean over views. Balestriero and LeCun, LeJEPA, 2025 (arXiv
    2511.08544).

    Args:
        weight: lambda; 0 lets it collapse.
        slices: Random directions of each step.
        locals: How many small views, each of .05 of the image up to the recipe's least `crop`.
        hidden: Width of the projector's two inner layers.
        outputs: Width of what it gives.
    """

    least: ClassVar[int] = 2  # how images lie is asked of the batch

    def __init__(
        self,
        encoder: ViT,
        setting: Setting,
        weight: Share = 0.05,
        slices: Count = 256,
        locals: Annotated[int, Bounds(0, 100)] = 2,  # noqa: A002
        hidden: Width = 512,
        outputs: Width = 64,
    ):
        super().__init__(encoder, setting)
        self.weight, self.slices, self.locals = weight, slices, locals
        self.projector = projector((encoder.architecture.width, hidden, hidden, outputs))

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        s = self.setting
        large = tuple(views.distorted(pixels, chance, s.view, s.crop) for _ in range(2))
        return large + tuple(views.distorted(pixels, chance, s.local, s.small_crop) for _ in range(self.locals))

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        large, small = batch.views[:2], batch.views[2:]
        z = embedded(self.encoder, torch.cat(large))
        if small:
            z = torch.cat([z, embedded(self.encoder, torch.cat(small))])
        z = self.projector(z).float().unflatten(0, (len(batch.views), -1))
        directions = batch.chance.normal(self.slices, z.shape[-1]).to(z.device)
        with torch.autocast(z.device.type, enabled=False):  # the loss stays float32, its matrix products too
            even = torch.stack([sigreg(gathered(view), directions) for view in z]).mean()
        return (1 - self.weight) * self.apart(z) + self.weight * even

    @staticmethod
    def apart(z: Float[Tensor, "V B D"]) -> Float[Tensor, ""]:
        """Mean squared distance, per dimension, of all views from the mean of the first two."""
        return (z - z[:2].mean(0)).square().mean()


lejepa = LatentEuclidean
