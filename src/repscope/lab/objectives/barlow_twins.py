"""barlow_twins: the correlation of two views' dimensions made the identity."""

from jaxtyping import Float
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.lab.bounds import Weight, Width
from repscope.lab.objectives import Setting
from repscope.lab.objectives._two_views import TwoViews


class BarlowTwins(TwoViews):
    """sum_i (1 - C_ii)^2 + lambda sum_{i != j} C_ij^2, C the correlations between the two views' dimensions.

    Zbontar et al., Barlow Twins, ICML 2021 (arXiv 2103.03230).

    Args:
        redundancy: lambda.
    """

    def __init__(
        self, encoder: ViT, setting: Setting, redundancy: Weight = 5e-3, hidden: Width = 512, outputs: Width = 256
    ):
        super().__init__(encoder, setting, hidden, outputs)
        self.redundancy = redundancy

    def between(self, one: Float[Tensor, "B D"], two: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        one, two = ((z - z.mean(0)) / (z.var(0, correction=0) + 1e-5).sqrt() for z in (one, two))
        correlation = one.T @ two / len(one)
        same = correlation.diagonal()
        return (1 - same).square().sum() + self.redundancy * (correlation.square().sum() - same.square().sum())


barlow_twins = BarlowTwins
