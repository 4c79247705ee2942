"""vicreg: two views alike, every dimension in use, no two the same."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import mse_loss, relu

from repscope.encoders.vit import ViT
from repscope.lab.bounds import Weight, Width
from repscope.lab.objectives import Setting
from repscope.lab.objectives._two_views import TwoViews


class VarianceInvarianceCovariance(TwoViews):
    """25 invariance + 25 variance + 1 covariance.

    Invariance is the mean squared difference; variance the mean of max(0, 1 - sqrt(var + 1e-4))
    over dimensions, covariance the sum of squared off-diagonal covariances over D; variance is
    the mean of both views', covariance their sum. Bardes et al., VICReg, ICLR 2022 (arXiv
    2105.04906).

    Args:
        invariance: Weight of the invariance term.
        variance: Weight of the variance term; 0 lets it collapse.
        covariance: Weight of the covariance term.
    """

    def __init__(
        self,
        encoder: ViT,
        setting: Setting,
        invariance: Weight = 25.0,
        variance: Weight = 25.0,
        covariance: Weight = 1.0,
        hidden: Width = 512,
        outputs: Width = 256,
    ):
        super().__init__(encoder, setting, hidden, outputs)
        self.weights = invariance, variance, covariance

    def between(self, one: Float[Tensor, "B D"], two: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
        invariance, variance, covariance = self.weights
        return (
            invariance * mse_loss(one, two)
            + variance * (spare(one) + spare(two)) / 2
            + covariance * (shared(one) + shared(two))
        )


def spare(z: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """How much of a deviation of 1 each dimension lacks, on average."""
    return relu(1 - (z.var(0) + 1e-4).sqrt()).mean()


def shared(z: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """Squared covariances between different dimensions, summed, over D."""
    z = z - z.mean(0)
    covariance = z.T @ z / (len(z) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / z.shape[1]


vicreg = VarianceInvarianceCovariance
