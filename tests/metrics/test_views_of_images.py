"""Measures of several views of each image, SIGReg and the deviation per dimension: exact values, laws both ways."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eigh

from repscope import metrics
from repscope.errors import UnfitData, UnfitTokens
from repscope.lab.objectives import lejepa
from repscope.metrics import Views
from repscope.metrics.sigreg import directions

N, Q, D = 40, 3, 6


def cloud(seed: int = 0, n: int = N, q: int = Q, d: int = D) -> np.ndarray:
    """Uneven images, uneven views of them, and a mean: no symmetry for a law to hide behind."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(n, 1, d)) * np.linspace(2, 0.3, d) + rng.normal(size=d)
    return images + rng.normal(size=(n, q, d)) * np.linspace(0.2, 1.0, d) + 0.2 * images**2


CHANGES = {
    "shift": lambda x: x + 30 * np.arange(x.shape[-1]) + 20,
    "scale": lambda x: 0.03 * x,
    "rotation": lambda x: x @ np.linalg.qr(np.random.default_rng(3).normal(size=(D, D)))[0],
    "order": lambda x: np.random.default_rng(5).permutation(x),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("card", metrics.views(), ids=lambda card: card.name)
def test_laws(card: Views, change: str):
    unmoved = bool(np.isclose(card(cloud()), card(CHANGES[change](cloud())), rtol=1e-6, atol=1e-9))
    assert unmoved == getattr(card.laws, change)


@pytest.mark.parametrize("card", metrics.views(), ids=lambda card: card.name)
def test_the_order_of_views_of_each_image_means_nothing_and_the_image_does(card: Views):
    x, rng = cloud(), np.random.default_rng(1)
    assert card(np.stack([rng.permutation(views) for views in x])) == pytest.approx(card(x), rel=1e-9)
    strangers = rng.permutation(x.reshape(-1, D)).reshape(x.shape)
    assert card(strangers) != pytest.approx(card(x), rel=0.01)


@pytest.mark.parametrize("card", metrics.views(), ids=lambda card: card.name)
def test_what_is_no_views_is_refused(card: Views):
    for wrong in (np.zeros((4, 3)), np.zeros((4, 1, 3)), np.zeros((1, 4, 3)), np.zeros((4, 2, 0))):
        with pytest.raises(UnfitData, match=r"\(n, q, D\)"):
            card(wrong)
    broken = cloud()
    broken[2, 1, 0] = np.inf
    with pytest.raises(UnfitTokens, match=f"1 of {broken.size} numbers are not finite"):
        card(broken)


def test_the_names_of_views():
    assert [card.name for card in metrics.views()] == ["alignment", "lidar", "view_ratio"]


def test_readings_of_embeddings_are_not_taken_of_patches():
    left = {card.name for card in metrics.readings()} - {card.name for card in metrics.readings(patches=True)}
    assert left == {"deviation", "sigreg"}


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(2, 5), st.integers(1, 5), st.integers(0, 99))
def test_alignment_is_the_mean_over_pairs_of_views(n, q, d, seed):
    x = np.random.default_rng(seed).normal(size=(n, q, d))
    unit = x / np.linalg.norm(x, axis=2, keepdims=True)
    pairs = [np.square(unit[:, i] - unit[:, j]).sum(1) for i in range(q) for j in range(i)]
    assert metrics.alignment(x) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_alignment_of_views_alike_and_of_views_that_know_nothing():
    assert metrics.alignment(np.repeat(cloud()[:, :1], 4, axis=1)) == pytest.approx(0, abs=1e-15)
    noise = np.random.default_rng(0).normal(size=(200, 4, 256))
    assert metrics.alignment(noise) == pytest.approx(2, abs=0.02)


def test_lidar_agrees_with_the_generalised_eigenvalues():
    x = cloud()
    means = x.mean(1)
    between = np.cov(means.T)
    within = sum(np.cov(views.T) for views in x) / N + 1e-4 * np.eye(D)
    p = eigh(between, within, eigvals_only=True)
    p /= p.sum()
    assert metrics.lidar(x) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-9)


def test_lidar_of_noise_is_the_maximum_and_only_the_ratio_tells():
    noise = np.random.default_rng(0).normal(size=(4000, 5, 8))
    assert metrics.lidar(noise) == pytest.approx(8, abs=0.02)
    assert metrics.view_ratio(noise) == pytest.approx(1 / 5, rel=0.03)
    told = noise + 3 * np.random.default_rng(1).normal(size=(4000, 1, 8))
    assert metrics.lidar(told) == pytest.approx(8, abs=0.02)
    assert metrics.view_ratio(told) == pytest.approx(1 / 5 + 9, rel=0.03)


def test_lidar_counts_directions_between_images():
    rng = np.random.default_rng(0)
    images = np.zeros((500, 1, 10))
    images[..., :3] = rng.normal(size=(500, 1, 3))
    assert metrics.lidar(images + 1e-3 * rng.normal(size=(500, 4, 10))) == pytest.approx(3, abs=0.1)


def test_fewer_images_than_dimensions_bound_lidar_and_it_says_so():
    x = np.random.default_rng(0).normal(size=(12, 4, 64))
    assert metrics.lidar(x) <= 11
    assert any("at most 11 of 64" in caveat for caveat in metrics.lidar.caveats(12, 64))


def test_what_has_no_ratio_or_no_rank():
    alike = np.repeat(cloud()[:, :1], 3, axis=1)
    with pytest.raises(UnfitTokens, match="no bound"):
        metrics.view_ratio(alike)
    one = cloud()
    one -= one.mean(1, keepdims=True)
    with pytest.raises(UnfitTokens, match="undefined"):
        metrics.lidar(one + 2.0)


def test_sigreg_of_a_gaussian_and_of_a_point():
    draws = [metrics.sigreg(np.random.default_rng(seed).normal(size=(60, 128))) for seed in range(120)]
    error = np.std(draws) / np.sqrt(len(draws))
    assert np.mean(draws) == pytest.approx(1.0527, abs=4 * error)
    assert error < 0.01
    for n in (10, 500):
        assert metrics.sigreg(np.zeros((n, 3))) == pytest.approx(0.40223 * n, rel=2e-5)


def test_sigreg_of_one_dimension_by_quadrature():
    from scipy.integrate import quad

    x = np.random.default_rng(2).normal(0.4, 1.7, (60, 1))

    def gap(t: float) -> float:
        return abs(np.exp(1j * t * x).mean() - np.exp(-(t**2) / 2)) ** 2 * np.exp(-(t**2) / 2)

    assert metrics.sigreg(x) == pytest.approx(60 * quad(gap, -3, 3)[0], rel=1e-5)


def test_sigreg_is_what_lejepa_trains_on(monkeypatch):
    x = np.random.default_rng(0).normal(size=(150, 7)) @ np.diag(np.linspace(0.5, 2, 7)) + 0.2
    module = __import__("sys").modules[lejepa.__name__]
    asked = torch.from_numpy(x), torch.from_numpy(directions(7))
    assert float(module.sigreg(*asked)) == pytest.approx(metrics.sigreg(x), rel=1e-3)  # 17 trapezoids
    monkeypatch.setattr(module, "KNOTS", 257)
    assert float(module.sigreg(*asked)) == pytest.approx(metrics.sigreg(x), rel=1e-5)


def test_deviation_of_even_and_of_collapsed_rows():
    even = np.concatenate([np.eye(9), -np.eye(9)]) * np.linspace(1, 5, 18)[:, None]
    assert metrics.deviation(even) == pytest.approx(1, abs=1e-12)
    assert metrics.deviation(np.outer(np.linspace(1, 9, 20), np.arange(1.0, 6))) == pytest.approx(0, abs=1e-12)
    assert metrics.deviation(np.random.default_rng(0).normal(size=(3000, 64))) == pytest.approx(1, abs=0.01)
    line = np.zeros((10, 4))
    line[::2, 0], line[1::2, 0] = 1, -1
    assert metrics.deviation(line) == pytest.approx(0.5)


def test_vectors_of_length_0_have_no_alignment():
    x = cloud()
    x[2, 1] = x[7] = 0
    with pytest.raises(UnfitData, match=r"4 of 120 rows have length 0, and so no direction .* Leave them out"):
        metrics.alignment(x)
    assert np.isfinite(metrics.lidar(x))
    assert np.isfinite(metrics.view_ratio(x))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 30), st.integers(1, 9), st.integers(0, 99))
def test_deviation_is_at_most_one(n, d, seed):
    x = np.random.default_rng(seed).normal(size=(n, d)) ** 3
    assert metrics.deviation(x) <= 1 + 1e-12
