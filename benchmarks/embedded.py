"""What the encoders that come with the package are worth: retrieval, neighbours and a linear probe, with intervals.

    python benchmarks/embedded.py --cifar10 DIR [--tiny-imagenet DIR] [--encoders a,b,runs/c]

Each folder holds train*.parquet and test*.parquet or val*.parquet in the Hugging Face image layout. Images are shown
whole, at the encoders' training size; embeddings are means of the output's patch tokens.

Precision at 5 is of the first 2,000 test images among themselves, and falls with fewer: never compare it across pools.
Its interval is a jackknife over images, which are queries and neighbours at once: a bootstrap over queries alone would
be half as wide. The column of raw cosines is the one that is held to a mark.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t
from torch.nn.functional import normalize

from repscope.encoders import available
from repscope.encoders.vit import ViT
from repscope.lab import data, knn
from repscope.lab.checkpoint import read_card, read_encoder
from repscope.lab.data import TrainingSet
from repscope.lab.data.parquet import ParquetFiles

QUERIES, NEAREST, SIZE, GROUPS = 2000, 5, 64, 20
STRENGTHS = (0.01, 0.1, 1.0)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Classes:
    """Labelled images to learn from, and others to name."""

    bank: TrainingSet
    queries: TrainingSet


def precision_at(x: torch.Tensor, labels: torch.Tensor, k: int = NEAREST) -> tuple[float, tuple[float, float]]:
    """Mean share of the k nearest others (cosine) that have the query's class; 95 % interval over images.

    Delete-a-group jackknife: GROUPS random groups, each left out of queries and neighbours at once.
    """
    unit = normalize(x.double(), dim=1)
    alike = (unit @ unit.T).fill_diagonal_(-2)
    group = torch.arange(len(x))[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))] % GROUPS

    def of(rows: torch.Tensor) -> float:
        near = rows[alike[rows][:, rows].topk(k, dim=1).indices]
        return float((labels[near] == labels[rows][:, None]).double().mean())

    value = of(torch.arange(len(x)))
    left = np.array([of((group != g).nonzero()[:, 0]) for g in range(GROUPS)])
    error = np.sqrt((GROUPS - 1) / GROUPS * np.square(left - left.mean()).sum())
    half = float(t.ppf(0.975, GROUPS - 1) * error)
    return value, (value - half, value + half)


def probe(bank: torch.Tensor, labels: torch.Tensor, queries: torch.Tensor, truth: torch.Tensor) -> tuple[float, float]:
    """Accuracy of logistic regression on standardised embeddings, and its strength, chosen on a fifth of the bank."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(bank.numpy())
    x, y, asked = scaler.transform(bank.numpy()), labels.numpy(), scaler.transform(queries.numpy())
    held = np.random.default_rng(0).permutation(len(x)) < len(x) // 5

    def fitted(strength: float, rows: NDArray[np.bool_]) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=1000, tol=1e-3).fit(x[rows], y[rows])

    best = max(STRENGTHS, key=lambda strength: fitted(strength, ~held).score(x[held], y[held]))
    return float(fitted(best, np.ones(len(x), bool)).score(asked, truth.numpy())), best


def row(name: str, cifar: TrainingSet, classes: Classes | None) -> str:
    """One line of the table; in the precision of the encoder's training, as the accuracy on its card."""
    encoder, card = read_encoder(name), read_card(name)
    x = knn.embedded(encoder, cifar, card["precision"])
    near, right = named(encoder, card["precision"], classes) if classes else ("–", "–")
    told = (precision_at(x, cifar.labels), precision_at(x - x.mean(0), cifar.labels))
    cells = (Path(name).name, format(card["presentations"], ","), *(_told(*each) for each in told), near, right)
    return f"| {' | '.join(cells)} |"


def named(encoder: ViT, precision: str, classes: Classes) -> tuple[str, str]:
    """What neighbours, and what a linear probe, name rightly."""
    bank, asked = (knn.embedded(encoder, images, precision) for images in (classes.bank, classes.queries))
    known, truth = classes.bank.labels, classes.queries.labels

    def votes(right: float, neighbours: int) -> str:
        found = knn.Votes(round(right * len(asked)), len(asked), len(bank), classes.bank.classes, neighbours)
        return _told(found.accuracy, found.interval)

    return votes(knn.accuracy(bank, known, asked, truth), knn.NEIGHBOURS), votes(probe(bank, known, asked, truth)[0], 1)


def _told(value: float, ends: tuple[float, float]) -> str:
    return f"{value:.1%} ({ends[0]:.1%} to {ends[1]:.1%})"


def pixels_row(cifar: TrainingSet) -> str:
    """The images themselves, as 32 x 32 x 3 numbers."""
    x = cifar.pixels.flatten(1).float()
    raw, centred = precision_at(x, cifar.labels), precision_at(x - x.mean(0), cifar.labels)
    return f"| raw pixels | – | {_told(*raw)} | {_told(*centred)} | – | – |"


HEAD = f"""\
| encoder | images shown | CIFAR-10, precision at {NEAREST} | the same, centred | Tiny ImageNet, k-NN | linear probe |
| --- | --- | --- | --- | --- | --- |"""


def read(folder: Path, split: str, size: int, count: int | None = None) -> TrainingSet:
    images = data.read(ParquetFiles(tuple(sorted(folder.glob(f"{split}*.parquet")))), size)
    return TrainingSet(images.pixels[:count], images.labels[:count]) if count else images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", type=Path, required=True)
    parser.add_argument("--tiny-imagenet", type=Path, help="without it, no neighbours and no probe")
    parser.add_argument("--encoders", default=",".join(n for n, c in available().items() if c.family == "lab"))
    options = parser.parse_args()
    cifar, folder = read(options.cifar10, "test", SIZE, QUERIES), options.tiny_imagenet
    classes = Classes(read(folder, "train", SIZE), read(folder, "val", SIZE)) if folder else None
    print(HEAD)
    print(pixels_row(read(options.cifar10, "test", 32, QUERIES)), flush=True)
    for name in options.encoders.split(","):
        print(row(name, cifar, classes), flush=True)


if __name__ == "__main__":
    main()
