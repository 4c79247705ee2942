"""Leave-one-out neighbours: an independent implementation, and no image among its own."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from repscope.errors import UnfitData
from repscope.monitor.neighbours import Votes, accuracy, left_out


def test_it_agrees_with_another_implementation():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 90)
    x = random.normal(size=(90, 5)) + np.eye(5)[labels]
    centred = x - x.mean(0)
    distance, near = NearestNeighbors(n_neighbors=8, metric="cosine").fit(centred).kneighbors()  # itself excluded
    right = 0
    for mine, away, places in zip(labels, distance, near, strict=True):
        votes = np.bincount(labels[places], np.exp((1 - away) / 0.07), minlength=4)
        right += votes.argmax() == mine
    votes = left_out(torch.from_numpy(x), torch.from_numpy(labels), k=8)
    assert (votes.right, votes.queries, votes.bank, votes.classes, votes.k) == (right, 90, 89, 4, 8)
    assert 30 < right < 90


def test_an_image_does_not_name_itself():
    x = torch.eye(6, dtype=torch.float64) + 0.01
    assert left_out(x, torch.arange(6), k=1).right == 0


def test_too_few_are_refused():
    with pytest.raises(UnfitData, match="5 rows or more; got 4"):
        left_out(torch.eye(4), torch.arange(4), k=4)


def test_what_knows_nothing_is_below_chance_where_each_is_left_out_and_at_it_where_not():
    chance = torch.Generator().manual_seed(0)
    labels, draws, alone, apart = torch.arange(64) % 8, 300, 0, 0.0
    for _ in range(draws):
        x = torch.randn(64, 24, generator=chance)
        alone += left_out(x, labels, k=1).right / 64
        apart += accuracy(x[:32], labels[:32], x[32:], labels[32:], k=1)
    assert Votes(8, 64, 63, 8, 1).chance == 1 / 8
    assert apart / draws == pytest.approx(1 / 8, abs=0.008)
    assert alone / draws == pytest.approx(7 / 63, abs=0.006)  # (n / c - 1) / (n - 1)
