"""Pair measures against definitions written another way, and on sets whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group, spearmanr

from repscope import metrics
from repscope.errors import UnfitData, UnfitTokens
from repscope.metrics.cknna import restricted
from repscope.metrics.linear_cka import _many as cka_of_features
from repscope.metrics.mutual_knn import _many as knn_in_blocks
from repscope.metrics.ridge_map import _folds


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def related(n: int, d: int, e: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    x = gaussian(n, d, seed) * np.linspace(2, 0.2, d)
    return x, x @ gaussian(d, e, seed + 1) + 2 * gaussian(n, e, seed + 2)


def song_hsic(one: np.ndarray, other: np.ndarray) -> float:
    """The unbiased estimate as Song et al. write it, from two Gram matrices."""
    n, ones = len(one), np.ones(len(one))
    a, b = one - np.diag(np.diag(one)), other - np.diag(np.diag(other))
    sums = (ones @ a @ ones) * (ones @ b @ ones) / ((n - 1) * (n - 2))
    return float((np.trace(a @ b) + sums - 2 / (n - 2) * (ones @ a @ b @ ones)) / (n * (n - 3)))


def test_cka_is_that_of_song_et_al():
    x, y = related(40, 9, 5)
    a, b = x @ x.T, y @ y.T
    known = song_hsic(a, b) / np.sqrt(song_hsic(a, a) * song_hsic(b, b))
    assert metrics.linear_cka(x, y) == pytest.approx(known, rel=1e-9)


def test_biased_cka_is_that_of_kornblith_et_al():
    x, y = related(40, 9, 5)
    a, b = x - x.mean(0), y - y.mean(0)
    known = np.linalg.norm(b.T @ a) ** 2 / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
    assert metrics.linear_cka_biased(x, y) == pytest.approx(known, rel=1e-10)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(12, 60),
    d=st.integers(1, 70),
    seed=st.integers(0, 50),
    size=st.floats(1e-6, 1e6),
)
def test_rotated_scaled_and_shifted_copies_score_one(n: int, d: int, seed: int, size: float):
    x = gaussian(n, d, seed)
    turn = ortho_group.rvs(d, random_state=seed) if d > 1 else -np.ones((1, 1))
    copy = size * x @ turn + size * seed
    assert metrics.linear_cka(x, copy) == pytest.approx(1, abs=1e-9)
    assert metrics.linear_cka_biased(x, copy) == pytest.approx(1, abs=1e-9)
    assert metrics.rsa(x, copy) == pytest.approx(1, abs=1e-9)
    assert metrics.procrustes(x, copy) == pytest.approx(0, abs=1e-6)


def test_independent_features_score_nothing_debiased_and_the_floor_biased():
    values = [
        (metrics.linear_cka(x, y), metrics.linear_cka_biased(x, y))
        for x, y in ((gaussian(256, 768, 2 * seed), gaussian(256, 768, 2 * seed + 1)) for seed in range(4))
    ]
    assert np.abs([debiased for debiased, _ in values]).max() < 0.02
    assert np.mean([biased for _, biased in values]) == pytest.approx(0.747, abs=0.01)


@pytest.mark.parametrize("shape", [(60, 9, 5), (30, 70, 40)])
def test_cka_of_features_is_that_of_rows(shape: tuple[int, int, int]):
    x, y = related(*shape)
    rows = metrics.Rows(x + 3), metrics.Rows(y - 1)
    assert cka_of_features(*rows) == pytest.approx(metrics.linear_cka(x, y), abs=1e-7)


def test_many_rows_are_compared_without_a_matrix_of_pairs():
    x, y = related(5000, 6, 4)
    assert metrics.linear_cka(x, y) == pytest.approx(metrics.linear_cka_biased(x, y), abs=5e-3)
    assert 0 < metrics.mutual_knn(x, y) < metrics.mutual_knn(x, 2 * x) == 1


def test_mutual_knn_counts_shared_neighbours():
    x, y = related(80, 6, 4)

    def nearest(z: np.ndarray) -> list[set[int]]:
        unit = z / np.linalg.norm(z, axis=1, keepdims=True)
        return [
            set(sorted(range(80), key=lambda j: -(unit[i] @ unit[j]) if j != i else np.inf)[:10]) for i in range(80)
        ]

    shared = np.mean([len(a & b) / 10 for a, b in zip(nearest(x), nearest(y), strict=True)])
    assert metrics.mutual_knn(x, y) == pytest.approx(shared, rel=1e-12)
    assert knn_in_blocks(metrics.Rows(x), metrics.Rows(y)) == pytest.approx(shared, rel=1e-12)


def test_cknna_with_all_neighbours_is_cka():
    x, y = related(40, 9, 5)
    rows = metrics.Rows(x), metrics.Rows(y)
    everyone = float(np.vdot(restricted(rows[0], 39), restricted(rows[1], 39)))
    assert everyone == pytest.approx(metrics.linear_cka(x, y), rel=1e-9)
    assert metrics.cknna(x, y) != pytest.approx(everyone, rel=1e-3)


def test_rsa_is_spearman_of_distances():
    x, y = related(40, 9, 5)
    assert metrics.rsa(x, y) == pytest.approx(spearmanr(pdist(x), pdist(y)).statistic, rel=1e-9)
    tied = np.round(x[:, :2])
    assert metrics.rsa(tied, y) == pytest.approx(spearmanr(np.round(pdist(tied), 9), pdist(y)).statistic, rel=1e-2)


def test_procrustes_is_a_metric():
    sets = [gaussian(40, d, seed) for seed, d in enumerate((4, 9, 60, 9))]
    angle = [[metrics.procrustes(a, b) for b in sets] for a in sets]
    for i in range(4):
        assert angle[i][i] == pytest.approx(0, abs=1e-6)
        for j in range(4):
            assert angle[i][j] == pytest.approx(angle[j][i], abs=1e-9)
            for k in range(4):
                assert angle[i][k] <= angle[i][j] + angle[j][k] + 1e-9


def test_procrustes_of_unequal_widths_is_that_of_zero_padding():
    x, y = gaussian(30, 5), gaussian(30, 9, 1)
    padded = np.pad(x, ((0, 0), (0, 4)))
    assert metrics.procrustes(x, y) == pytest.approx(metrics.procrustes(padded, y), abs=1e-9)


@pytest.mark.parametrize("shape", [(30, 5, 9), (30, 50, 9), (30, 50, 60)])
def test_procrustes_for_nulls_agrees(shape: tuple[int, int, int]):
    x, y = (metrics.Rows(z) for z in related(*shape))
    order = np.random.default_rng(0).permutation(30)[None]
    exact = metrics.procrustes.of(x, metrics.Rows(y.values[order[0]]))
    assert metrics.procrustes.relabelled(x, y, order)[0] == pytest.approx(exact, abs=1e-4)


def test_ridge_map_is_ridge_regression_fold_by_fold():
    from sklearn.linear_model import Ridge

    x, y = related(60, 9, 5)
    predicted = np.zeros_like(y)
    centred = x - x.mean(0)
    for test in _folds(60):
        train = np.setdiff1d(np.arange(60), test)
        inside = centred[train] - centred[train].mean(0)
        penalty = 0.1 * (inside**2).sum() / len(train)
        predicted[test] = Ridge(alpha=penalty).fit(centred[train], y[train]).predict(centred[test])
    r2 = 1 - ((y - predicted) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)
    assert metrics.ridge_map(x, y) == pytest.approx(r2.mean(), rel=1e-9)


def test_ridge_map_of_nothing_in_common_is_no_better_than_the_mean():
    assert -0.3 < metrics.ridge_map(gaussian(200, 8), gaussian(200, 5, 1)) < 0.02


def test_ridge_map_swaps_with_the_sets():
    x = gaussian(200, 8)
    assert metrics.ridge_map(x, x[:, :2]) > 0.98
    assert metrics.ridge_map(x[:, :2], x) < 0.4


def test_cca_of_random_sets_and_its_refusal():
    values = [metrics.cca(gaussian(5000, 100, 2 * s), gaussian(5000, 100, 2 * s + 1)) for s in range(1)]
    assert np.mean(values) == pytest.approx(0.12, abs=0.01)
    with pytest.raises(UnfitData, match="10 rows for each"):
        metrics.cca(gaussian(200, 100), gaussian(200, 100, 1))


@pytest.mark.parametrize("pair", metrics.pairs(), ids=lambda card: card.name)
def test_bad_pairs_are_refused(pair: metrics.Pair):
    x = gaussian(100, 4)
    with pytest.raises(UnfitData, match="100 and 99"):
        pair(x, x[:-1])
    with pytest.raises(UnfitData):
        pair(x[:3], x[:3])
    if pair.name != "mutual_knn":
        with pytest.raises(UnfitTokens, match=r"alike|undefined"):
            pair(x, np.full((100, 4), 0.1))
