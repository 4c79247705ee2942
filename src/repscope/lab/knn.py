"""k-nearest-neighbour accuracy: what a trained encoder's card says of it."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from repscope.encoders.vit import ViT
from repscope.errors import UnfitData
from repscope.lab.data import TrainingSet
from repscope.lab.recipe import Precision
from repscope.lab.views import normalised

NEIGHBOURS = 20


@dataclass(frozen=True)
class Votes:
    """How many queries their neighbours named rightly, and what that is worth.

    Attributes:
        right, queries: Queries named rightly, of how many.
        bank: Labelled images the neighbours were sought among.
        classes: Classes in the bank.
        k: Neighbours of each query.
    """

    right: int
    queries: int
    bank: int
    classes: int
    k: int

    @property
    def accuracy(self) -> float:
        return self.right / self.queries

    @property
    def chance(self) -> float:
        """Of naming one of the classes blindly."""
        return 1 / self.classes

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval: of other queries, for this encoder and this bank.

        >>> [round(x, 3) for x in Votes(right=50, queries=100, bank=500, classes=10, k=20).interval]
        [0.404, 0.596]
        """
        n, p, z = self.queries, self.accuracy, 1.959964
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(middle - half, 0.0), min(middle + half, 1.0)


def judged(encoder: ViT, bank: TrainingSet, queries: TrainingSet, precision: Precision, k: int = NEIGHBOURS) -> Votes:
    """The k-NN votes of an encoder: `queries` named by their neighbours in `bank`, whole images, no crops.

    Raises UnfitData where either has no labels, or the bank fewer than k rows.
    """
    bank, queries = bank.labelled(), queries.labelled()
    if not len(bank) or not len(queries):
        raise UnfitData("k-NN accuracy wants labels of both the training and the validation images.")
    rows, asked = embedded(encoder, bank, precision), embedded(encoder, queries, precision)
    share = accuracy(rows, bank.labels, asked, queries.labels, k)
    classes = len(bank.labels.unique())
    return Votes(round(share * len(queries)), len(queries), len(bank), classes, k)


@torch.inference_mode()
def embedded(
    encoder: ViT, images: TrainingSet, precision: Precision = "float32", batch: int = 256
) -> Float[Tensor, "n D"]:
    """Mean of the output's patch tokens, one vector per image, float32."""
    prefix, encoder = encoder.architecture.prefix, encoder.eval()
    parts = []
    for pixels in images.pixels.split(batch):
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            (tokens,) = encoder(normalised(pixels))
        parts.append(tokens[:, prefix:].float().mean(1))
    return torch.cat(parts)


def accuracy(
    bank: Float[Tensor, "n D"],
    labels: Int[Tensor, " n"],
    queries: Float[Tensor, "m D"],
    truth: Int[Tensor, " m"],
    k: int = NEIGHBOURS,
    temperature: float = 0.07,
) -> float:
    """Share of queries whose k nearest of the bank (cosine), weighted exp(cosine / temperature), vote right.

    Both sets are centred by the bank's mean first. Wu et al., Unsupervised feature learning via
    non-parametric instance discrimination, CVPR 2018 (arXiv 1805.01978). Raises UnfitData
    where the bank has fewer than k rows.

    >>> bank = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    >>> accuracy(bank, torch.tensor([0, 0, 1, 1]), bank, torch.tensor([0, 0, 1, 0]), k=2)
    0.75
    """
    if len(bank) < k:
        raise UnfitData(f"{k} neighbours want a bank of {k} rows or more; got {len(bank)}.")
    mean, right = bank.mean(0), 0
    bank = normalize(bank - mean, dim=1)
    classes = int(max(labels.max(), truth.max())) + 1
    for rows, answers in zip(queries.split(1024), truth.split(1024), strict=True):
        near, place = (normalize(rows - mean, dim=1) @ bank.T).topk(k, dim=1)
        votes = torch.zeros(len(rows), classes).scatter_add_(1, labels[place], (near / temperature).exp())
        right += int((votes.argmax(1) == answers).sum())
    return right / len(truth)
