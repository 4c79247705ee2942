"""supervised: name the class; the reference."""

from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from repscope.encoders.vit import ViT
from repscope.errors import UnfitData
from repscope.lab import views
from repscope.lab.bounds import PartialShare
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch, Objective, Setting, embedded


class Supervised(Objective):
    """Cross-entropy of a linear head's classes, labels smoothed.

    Raises UnfitData for fewer than two classes, or images without labels.

    Args:
        smoothing: Share of the target spread over all classes.
    """

    labelled = True

    def __init__(self, encoder: ViT, setting: Setting, smoothing: PartialShare = 0.1):
        super().__init__(encoder, setting)
        if setting.classes < 2:
            raise UnfitData(
                f"supervised wants labels of two classes or more; these images have {setting.classes or 'no'} "
                f"class{'' if setting.classes == 1 else 'es'}. Choose another objective, or add labels."
            )
        self.smoothing = smoothing
        self.head = nn.Linear(encoder.architecture.width, setting.classes)

    def views(self, pixels: UInt8[Tensor, "B 3 H W"], chance: Chance) -> tuple[Float[Tensor, "B ..."], ...]:
        # colours, grey and blur too: with crops and mirrors alone it learns its images by heart
        return (views.distorted(pixels, chance, self.setting.view, self.setting.crop, solar=0),)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        if (batch.labels < 0).any():
            raise UnfitData("supervised wants a label for every image; some have none.")
        logits = self.head(embedded(self.encoder, batch.views[0])).float()
        return cross_entropy(logits, batch.labels, label_smoothing=self.smoothing)


supervised = Supervised
