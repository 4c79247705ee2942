"""Neighbours: how well the nearest labelled images name an image."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from repscope.errors import UnfitData

NEIGHBOURS, TEMPERATURE = 20, 0.07
BLOCK = 1 << 26
"""The most similarities held at once: a quarter of a gigabyte in float32."""


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
        """1 / classes: of naming one of the classes blindly.

        What embeddings without signal reach where the bank is apart from the queries and has as many
        images of each class. Where each image is left out of its own bank (`left_out`) they reach
        less: its class has one image fewer than the others.
        """
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


def accuracy(
    bank: Float[Tensor, "n D"],
    labels: Int[Tensor, " n"],
    queries: Float[Tensor, "m D"],
    truth: Int[Tensor, " m"],
    k: int = NEIGHBOURS,
    temperature: float = TEMPERATURE,
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
    together = max(min(1024, BLOCK // len(bank)), 1)
    for rows, answers in zip(queries.split(together), truth.split(together), strict=True):
        cosine = normalize(rows - mean, dim=1) @ bank.T
        right += int((_named(cosine, labels, classes, k, temperature) == answers).sum())
    return right / len(truth)


def left_out(
    rows: Float[Tensor, "n D"], labels: Int[Tensor, " n"], k: int = NEIGHBOURS, temperature: float = TEMPERATURE
) -> Votes:
    """The votes of every row's k nearest others; rows are centred first, as in `accuracy`.

    Without signal less than 1 / classes are named rightly: of n rows in c classes of one size, one
    neighbour names (n / c - 1) / (n - 1).

    Raises UnfitData for k rows or fewer.

    >>> rows = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    >>> left_out(rows, torch.tensor([0, 0, 1, 1]), k=1).right
    4
    """
    if len(rows) <= k:
        raise UnfitData(f"{k} neighbours beside each row want {k + 1} rows or more; got {len(rows)}.")
    unit = normalize(rows - rows.mean(0), dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-torch.inf)
    named = _named(cosine, labels, int(labels.max()) + 1, k, temperature)
    return Votes(int((named == labels).sum()), len(rows), len(rows) - 1, len(labels.unique()), k)


def _named(
    cosine: Float[Tensor, "m n"], labels: Int[Tensor, " n"], classes: int, k: int, temperature: float
) -> Int[Tensor, " m"]:
    """The class that the k nearest vote for."""
    near, place = cosine.topk(k, dim=1)
    votes = torch.zeros(len(cosine), classes, dtype=cosine.dtype)
    return votes.scatter_add_(1, labels[place], (near / temperature).exp()).argmax(1)
