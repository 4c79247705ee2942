"""Leave-one-out neighbours: an independent implementation, and no image among its own."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from repscope.errors import UnfitData
from repscope.monitor.neighbours import left_out


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
