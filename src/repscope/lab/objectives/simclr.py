"""simclr: find the other view of an image among all other images' views."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from repscope.encoders.vit import ViT
from repscope.lab.bounds import Positive, Width
from repscope.lab.objectives import Setting
from repscope.lab.objectives._two_views import TwoViews


class Contrast(TwoViews):
    """Cross-entropy of the other view among 2B - 1 others, logits cosine / temperature.

    Chen et al., A simple framework for contrastive learning of visual representations, ICML 2020
    (arXiv 2002.05709).

    Args:
        temperature: The lower, the more the nearest of the others count.
    """

    def __init__(
        self, encoder: ViT, setting: Setting, temperature: Positive = 0.2, hidden: Width = 512, outputs: Width = 128
    ):
        super().__init__(encoder, setting, hidden, outputs)
        self.temperature = temperature

    def between(self, one: Float[Tensor, "B D"], two: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        z = normalize(torch.cat([one, two]), dim=1)
        logits = z @ z.T / self.temperature
        logits = logits.masked_fill(torch.eye(len(z), dtype=torch.bool, device=z.device), -torch.inf)
        return cross_entropy(logits, torch.arange(len(z), device=z.device).roll(len(one)))


simclr = Contrast
