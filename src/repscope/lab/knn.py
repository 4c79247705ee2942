"""k-nearest-neighbour accuracy: what a trained encoder's card says of it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from repscope.encoders.vit import ViT
from repscope.errors import UnfitData
from repscope.lab.build import device_of
from repscope.lab.data import TrainingSet
from repscope.lab.views import normalised
from repscope.monitor.neighbours import NEIGHBOURS, Votes, accuracy


def judged(encoder: ViT, bank: TrainingSet, queries: TrainingSet, precision: str, k: int = NEIGHBOURS) -> Votes:
    """The k-NN votes of an encoder: `queries` named by their neighbours in `bank`, whole images, no crops.

    Raises UnfitData where either has no labels, or the bank fewer than k rows.
    """
    labels, truth = bank.labels[bank.places], queries.labels[queries.places]
    if not len(labels) or not len(truth):
        raise UnfitData("k-NN accuracy wants labels of both the training and the validation images.")
    rows, asked = (embedded(encoder, images, precision, places=images.places) for images in (bank, queries))
    share = accuracy(rows, labels, asked, truth, k)
    return Votes(round(share * len(truth)), len(truth), len(labels), len(labels.unique()), k)


@torch.inference_mode()
def embedded(
    encoder: ViT,
    images: TrainingSet,
    precision: str = "float32",
    batch: int = 256,
    places: Int[Tensor, " k"] | None = None,
) -> Float[Tensor, "k D"]:
    """Mean of the output's patch tokens, one vector per image, float32, on the CPU.

    Args:
        encoder: Runs where it is.
        images: Taken a batch at a time: mapped from a file, they are never all in memory.
        precision: `float32` or `bfloat16`, of matrix products.
        batch: Images in one forward pass.
        places: Of the images wanted, in order; all where not given.
    """
    prefix, encoder, device = encoder.architecture.prefix, encoder.eval(), device_of(encoder)
    parts = []
    for rows in (torch.arange(len(images)) if places is None else places).split(batch):
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            (tokens,) = encoder(normalised(images.pixels[rows].to(device)))
        parts.append(tokens[:, prefix:].float().mean(1).cpu())
    return torch.cat(parts)
