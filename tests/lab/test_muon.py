"""Muon: torch's own, matrix by matrix, and what orthogonal means."""

import pytest
import torch
from torch import nn

from repscope.lab.muon import Muon, orthogonal

SHAPES = [(24, 8), (8, 24), (16, 16), (8, 24), (24, 8), (8, 24)]


def moved(kind, **options) -> list[nn.Parameter]:
    """Matrices after three steps; one of them has a gradient in the second alone."""
    generator = torch.Generator().manual_seed(0)
    matrices = [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]
    moving = kind(matrices, lr=0.02, weight_decay=0.1, **options)
    for step in range(3):
        for place, matrix in enumerate(matrices):
            gradient = torch.randn(matrix.shape, generator=generator)
            matrix.grad = None if place == 3 and step != 1 else gradient * 10.0**-place
        moving.step()
    return matrices


def test_it_moves_as_torchs_does():
    ours, theirs = moved(Muon), moved(torch.optim.Muon, adjust_lr_fn="match_rms_adamw")
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-3)  # of steps of .02 x .2 x root of 24
        assert (one - other).abs().mean() < 1e-5


@pytest.mark.parametrize("shape", [(3, 24, 8), (3, 8, 24), (1, 12, 10)])
def test_directions_stay_and_lengths_are_near_one(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    made = orthogonal(1e3 * x, (3.4445, -4.775, 2.0315), 5, 1e-7).float()
    left, values, right = torch.linalg.svd(x, full_matrices=False)
    inner = left.mT @ made @ right.mT
    assert values.min() > 0.02 * values.max()
    assert (inner - torch.diag_embed(inner.diagonal(dim1=1, dim2=2))).abs().max() < 0.1
    assert 0.5 < inner.diagonal(dim1=1, dim2=2).min() <= inner.diagonal(dim1=1, dim2=2).max() < 1.3


def test_nothing_stays_nothing():
    assert not orthogonal(torch.zeros(2, 4, 4), (3.4445, -4.775, 2.0315), 5, 1e-7).any()
