"""diet: every image is a class of its own."""

from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from repscope.encoders.vit import ViT
from repscope.lab import views
from repscope.lab.bounds import PartialShare, Positive
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch, Objective, Setting, embedded


class DatumIndex(Objective):
    """Cross-entropy of a bias-free head on z / ||z|| with as many outputs as images, labels smoothed by .2.

    The first loss is close to log N. The head has N x D weights: for small sets. Ibrahim et al.,
    Occam's razor for SSL: memory-efficient parametric instance discrimination, 2024; continued
    pretraining: arXiv 2509.06990.

    Args:
        smoothing: Share of the target spread over all images.
        temperature: Of the logits.
    """

    def __init__(self, encoder: ViT, setting: Setting, smoothing: PartialShare = 0.2, temperature: Positive = 1.0):
        super().__init__(encoder, setting)
        self.smoothing, self.temperature = smoothing, temperature
        self.head = nn.Linear(encoder.architecture.width, setting.images, bias=False)

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        return (views.distorted(pixels, chance, self.setting.view, self.setting.crop, blur=0.5, solar=0.0),)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        logits = self.head(normalize(embedded(self.encoder, batch.views[0]), dim=1)).float() / self.temperature
        return cross_entropy(logits, batch.rows, label_smoothing=self.smoothing)


diet = DatumIndex
