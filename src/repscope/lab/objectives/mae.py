"""mae: see a quarter of the patches, paint the rest."""

import torch
from jaxtyping import Float
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.encoders.vit.model import gather
from repscope.lab import masks
from repscope.lab.narrow import Narrow
from repscope.lab.objectives import Objective


class MaskedAutoencoder(Objective):
    """Mean squared error of hidden patches' pixels, each patch normalised by its own mean and deviation.

    He et al., Masked autoencoders are scalable vision learners, CVPR 2022 (arXiv 2111.06377).
    """

    def __init__(self, encoder: ViT, hidden: float = 0.75):
        super().__init__(encoder)
        self.hidden = hidden
        self.decoder = Narrow(encoder.architecture, outputs=3 * encoder.architecture.patch**2)

    def loss(self, images: Float[Tensor, "B 3 H W"], generator: torch.Generator) -> Float[Tensor, ""]:
        patches = self.encoder.cut(images)
        shown, asked = masks.scattered(len(images), patches.shape[1], self.hidden, generator)
        shown, asked = shown.to(images.device), asked.to(images.device)
        painted = self.decoder(self.encoder.encode(images, shown), shown, asked)
        return (painted.float() - self.target(gather(patches, asked))).square().mean()

    @staticmethod
    def target(patches: Float[Tensor, "B M P"]) -> Float[Tensor, "B M P"]:
        """Each patch with mean 0 and variance 1 (unbiased, 1e-6 added)."""
        variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
        return (patches - mean) / (variance + 1e-6).sqrt()


mae = MaskedAutoencoder
