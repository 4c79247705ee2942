"""k-nearest-neighbour accuracy: what a trained encoder's card says of it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from repscope.encoders.vit import ViT
from repscope.errors import UnfitData
from repscope.lab.data import TrainingSet
from repscope.lab.views import normalised


@torch.inference_mode()
def embedded(encoder: ViT, images: TrainingSet, batch: int = 256) -> Float[Tensor, "n D"]:
    """Mean of the output's patch tokens, one vector per image, float32."""
    prefix, encoder = encoder.architecture.prefix, encoder.eval()
    parts = [encoder(normalised(pixels))[0][:, prefix:].mean(1) for pixels in images.pixels.split(batch)]
    return torch.cat(parts).float()


def accuracy(
    bank: Float[Tensor, "n D"],
    labels: Int[Tensor, " n"],
    queries: Float[Tensor, "m D"],
    truth: Int[Tensor, " m"],
    k: int = 20,
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
