"""mae: see a quarter of the patches, paint the rest."""

import torch
from jaxtyping import Float
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.encoders.vit.model import gather
from repscope.lab import masks
from repscope.lab.bounds import ProperShare
from repscope.lab.narrow import Narrow
from repscope.lab.objectives import Batch, Objective, Setting


class MaskedAutoencoder(Objective):
    """Mean squared error of hidden patches' pixels, each patch normalised by its own mean and deviation.

    He et al., Masked autoencoders are scalable vision learners, CVPR 2022 (arXiv 2111.06377).

    Args:
        hidden: Share of the patches that the encoder does not see.

    Raises UnfitData for a share that leaves nothing to see, or to paint.
    """

    def __init__(self, encoder: ViT, setting: Setting, hidden: ProperShare = 0.75):
        super().__init__(encoder, setting)
        rows, columns = encoder.architecture.grid
        masks.counts(rows * columns, hidden)
        self.hidden = hidden
        self.decoder = Narrow(encoder.architecture, outputs=3 * encoder.architecture.patch**2)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        (images,) = batch.views
        patches = self.encoder.cut(images)
        whole = masks.scattered(batch.chance.count, patches.shape[1], self.hidden, batch.chance.generator)
        shown, asked = (batch.chance.mine(places).to(images.device) for places in whole)
        painted = self.decoder(self.encoder.encode(images, shown), shown, asked)
        return (painted.float() - self.target(gather(patches, asked))).square().mean()

    @staticmethod
    def target(patches: Float[Tensor, "B M P"]) -> Float[Tensor, "B M P"]:
        """Each patch with mean 0 and variance 1 (unbiased, 1e-6 added)."""
        variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
        return (patches - mean) / (variance + 1e-6).sqrt()


mae = MaskedAutoencoder
