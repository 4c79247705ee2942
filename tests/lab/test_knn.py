"""k-NN: exact votes, the bank's mean, and an interval that covers."""

import math

import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from repscope.encoders.vit import ViT
from repscope.errors import UnfitData
from repscope.lab import knn
from repscope.lab.build import initialise
from repscope.lab.data import TrainingSet
from repscope.lab.views import normalised

# Four directions from the bank's mean of 0, and who stands there.
BANK = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
LABELS = torch.tensor([0, 1, 2, 3])


def test_the_nearest_alone_names():
    queries = torch.tensor([[5.0, 1.0], [-0.1, 0.01], [1.0, 3.0], [0.5, -3.0]])
    assert knn.accuracy(BANK, LABELS, queries, LABELS, k=1) == 1.0
    assert knn.accuracy(BANK, LABELS, queries, torch.tensor([0, 1, 2, 2]), k=1) == 0.75


def test_two_that_are_far_outvote_one_that_is_near_only_where_the_temperature_is_high():
    angles = torch.tensor([0, 60, -60, 180, 240, 120]).deg2rad()
    bank, labels = torch.stack([angles.cos(), angles.sin()], 1), torch.tensor([0, 1, 1, 2, 2, 2])
    query, near, many = bank[:1], torch.tensor([0]), torch.tensor([1])
    assert math.exp(1 / 0.07) > 2 * math.exp(0.5 / 0.07)
    assert knn.accuracy(bank, labels, query, near, k=3) == 1.0
    assert math.exp(1 / 1) < 2 * math.exp(0.5 / 1)
    assert knn.accuracy(bank, labels, query, many, k=3, temperature=1) == 1.0


def test_both_are_centred_by_the_mean_of_the_bank(seeded):
    bank = torch.randn(200, 8, generator=seeded(0))
    labels = (bank[:, 0] > 0).long() + 2 * (bank[:, 1] > 0).long()
    queries, truth = bank[:50] + 0.3 * torch.randn(50, 8, generator=seeded(1)), labels[:50]
    plain = knn.accuracy(bank - bank.mean(0), labels, queries - bank.mean(0), truth)
    assert plain < 1
    assert knn.accuracy(bank + 7, labels, queries + 7, truth) == plain


def test_it_agrees_with_another_implementation(seeded):
    bank, queries = torch.randn(300, 6, generator=seeded(0)), torch.randn(1500, 6, generator=seeded(1))
    labels, truth = torch.randint(0, 5, (300,), generator=seeded(2)), torch.randint(0, 5, (1500,), generator=seeded(3))
    other = KNeighborsClassifier(
        20,
        metric="cosine",
        algorithm="brute",
        weights=lambda distance: torch.tensor((1 - distance) / 0.07).exp().numpy(),
    )
    mean = bank.double().mean(0)
    other.fit((bank - mean).numpy(), labels.numpy())
    assert knn.accuracy(bank, labels, queries, truth) == pytest.approx(
        other.score((queries - mean).numpy(), truth.numpy()), abs=1e-12
    )


def test_a_bank_that_is_too_small_is_refused():
    with pytest.raises(UnfitData, match="20 neighbours want a bank of 20 rows or more; got 4"):
        knn.accuracy(BANK, LABELS, BANK, LABELS)


def test_an_embedding_is_the_mean_of_the_patches(recipe, stripes, seeded):
    encoder = ViT(recipe.architecture)
    initialise(encoder, seeded(0))
    exact = knn.embedded(encoder, stripes, batch=24)
    with torch.no_grad():
        torch.testing.assert_close(exact, encoder(normalised(stripes.pixels))[0].mean(1), atol=1e-6, rtol=0)
    rough = knn.embedded(encoder, stripes, "bfloat16")
    assert rough.dtype == torch.float32
    assert 0 < (rough - exact).abs().max() < 0.05 * exact.abs().max()


def test_only_the_labelled_are_asked(recipe, stripes, seeded):
    encoder = ViT(recipe.architecture)
    initialise(encoder, seeded(0))
    some = TrainingSet(stripes.pixels, stripes.labels.where(torch.arange(64) < 40, -1))
    votes = knn.judged(encoder, some, stripes, "float32", k=5)
    assert (votes.bank, votes.queries, votes.classes, votes.k, votes.chance) == (40, 64, 4, 5, 0.25)
    assert votes.accuracy >= 40 / 64 * 0.5  # a query that is in the bank is its own nearest
    with pytest.raises(UnfitData, match="wants labels"):
        knn.judged(encoder, stripes, TrainingSet(stripes.pixels, torch.full((64,), -1)), "float32")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_the_interval_covers_nineteen_times_of_twenty(share, seeded):
    right = torch.binomial(torch.full((2000,), 400.0), torch.tensor(share), generator=seeded(0))
    votes = [knn.Votes(int(count), 400, 1000, 10, 20) for count in right]
    covered = sum(v.interval[0] <= share <= v.interval[1] for v in votes) / 2000
    assert 0.92 < covered < 0.98


@pytest.mark.parametrize("right", [0, 400])
def test_the_interval_stays_a_share(right):
    low, high = knn.Votes(right, 400, 1000, 10, 20).interval
    assert 0 <= low < high <= 1
