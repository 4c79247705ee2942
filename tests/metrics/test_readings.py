"""Readings on sets whose answer is known."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from repscope import metrics
from repscope.errors import UnfitData, UnfitTokens


def gaussian(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def of_spectrum(values: np.ndarray, n: int) -> np.ndarray:
    """n centred rows whose covariance has exactly these eigenvalues."""
    places = np.pi * (np.arange(n)[:, None] + 0.5) * np.arange(1, len(values) + 1) / n
    return np.cos(places) * np.sqrt(2 / n * np.asarray(values) * (n - 1))  # cosines: orthonormal, each of mean 0


def test_effective_rank_of_even_and_single_directions():
    assert metrics.effective_rank(of_spectrum(np.ones(24), 100)) == pytest.approx(24, rel=1e-9)
    assert metrics.effective_rank(np.outer(np.arange(10.0), np.ones(6))) == pytest.approx(1, abs=1e-6)


def test_rank_and_shares_are_of_the_whole_spectrum():
    """l_j = 1 / j with d = 1024: a spectrum cut at 64 would say 40 components and another rank."""
    eigenvalues = 1 / np.arange(1, 1025)
    p = eigenvalues / eigenvalues.sum()
    x = of_spectrum(eigenvalues, 1400)
    assert metrics.effective_rank(x) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-8)
    assert metrics.top10_share(x) == pytest.approx(p[:10].sum(), rel=1e-9)
    assert metrics.components_90(x) == np.searchsorted(np.cumsum(p), 0.9) + 1
    assert metrics.components_99(x) == np.searchsorted(np.cumsum(p), 0.99) + 1
    assert metrics.components_above_1pct(x) == pytest.approx(100, abs=1)
    few = gaussian(256, 1024) * np.sqrt(eigenvalues)
    assert 125 < metrics.components_90(few) < 150


def test_participation_ratio_of_gaussian_rows():
    assert metrics.participation_ratio(gaussian(1000, 64)) == pytest.approx(64 / (1 + 64 / 1000), rel=0.02)


def test_stable_rank():
    assert metrics.stable_rank(np.outer(np.arange(10.0), np.ones(6))) == pytest.approx(1, rel=1e-9)
    assert metrics.stable_rank(of_spectrum(np.array([4.0, 2, 1, 1]), 50)) == pytest.approx(2, rel=1e-9)


def test_rankme_of_orthonormal_columns_and_what_an_offset_does():
    basis = np.linalg.qr(gaussian(200, 12))[0]
    assert metrics.rankme(basis) == pytest.approx(12, rel=1e-4)
    x = gaussian(1000, 64)
    assert metrics.rankme(x) == pytest.approx(63.5, abs=0.3)
    assert metrics.rankme(x + 5) == pytest.approx(24.2, abs=0.5)
    assert metrics.rankme_centred(x + 5) == pytest.approx(metrics.rankme_centred(x), rel=1e-9)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.5])
def test_alpha_of_an_exact_power_law(exponent: float):
    x = of_spectrum(np.arange(1.0, 61) ** -exponent, 700)
    assert metrics.alpha_req(x) == pytest.approx(exponent, rel=1e-8)
    assert metrics.alpha_req.caveats(*x.shape) == []
    assert "10 for each" in metrics.alpha_req.caveats(100, 60)[0]


def test_uniformity_is_that_of_all_pairs():
    x = gaussian(60, 5) + 1
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert metrics.uniformity(x) == pytest.approx(np.log(np.exp(-2 * pdist(unit) ** 2).mean()), rel=1e-9)
    assert metrics.uniformity(gaussian(800, 512)) == pytest.approx(-4, abs=0.05)
    assert metrics.uniformity(np.ones((9, 4))) == 0


@pytest.mark.parametrize(("offset", "isotropy"), [(0, 1.0), (0.5, 0.8), (1, 0.5), (2, 0.2), (4, 0.06)])
def test_raw_isotropy_is_mostly_the_size_of_the_mean(offset: float, isotropy: float):
    x = gaussian(500, 256)
    assert metrics.isotropy(x + offset) == pytest.approx(isotropy, abs=0.02)
    assert metrics.mean_cosine(x + offset) == pytest.approx(1 - metrics.isotropy(x + offset), abs=1e-12)
    assert metrics.isotropy_centred(x + offset) == pytest.approx(metrics.isotropy_centred(x), abs=1e-9)


def test_patch_entropy_of_clusters_and_order():
    rng = np.random.default_rng(0)
    even = np.repeat(50 * np.eye(8), 20, axis=0) + rng.normal(size=(160, 8))
    assert metrics.patch_entropy(even) == pytest.approx(3, abs=1e-9)
    x = gaussian(256, 32)
    for seed in range(3):
        assert metrics.patch_entropy(np.random.default_rng(seed).permutation(x)) == metrics.patch_entropy(x)


def test_outlier_tokens():
    x = gaussian(1000, 64)
    assert metrics.outlier_tokens(x) == 0
    x[[3, 50, 70]] *= 10
    assert metrics.outlier_tokens(x) == pytest.approx(0.003)
    assert metrics.outlier_tokens(1e-6 * x) == pytest.approx(0.003)


def test_norms():
    x = np.array([[3.0, 4.0], [0.0, 1.0]])
    assert metrics.token_norm(x) == 3
    assert metrics.token_norm_cv(x) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("dimension", "n", "reads"), [(2, 2500, 2.0), (5, 2500, 4.7), (10, 5000, 9.1)])
def test_intrinsic_dimension_of_a_uniform_cube(dimension: int, n: int, reads: float):
    cube = np.random.default_rng(0).random((n, dimension)) @ np.linalg.qr(gaussian(32, dimension))[0].T
    assert metrics.intrinsic_dimension(cube) == pytest.approx(reads, rel=0.09)
    assert metrics.intrinsic_dimension_mle(cube) == pytest.approx(reads, rel=0.15)


def test_intrinsic_dimension_counts_equal_rows_once():
    x = np.random.default_rng(0).random((600, 3))
    assert metrics.intrinsic_dimension(np.concatenate([x, x[:300]])) == pytest.approx(metrics.intrinsic_dimension(x))


def test_intrinsic_dimension_of_a_lattice_is_undefined():
    for reading in (metrics.intrinsic_dimension, metrics.intrinsic_dimension_mle):
        with pytest.raises(UnfitTokens, match="undefined"):
            reading(np.eye(30))


def test_spatial_coherence():
    assert metrics.spatial_coherence(np.ones((4, 7, 3))) == pytest.approx(1)
    ramp = np.add.outer(np.arange(8.0), np.arange(11.0))[..., None] * np.ones(5) + 100
    assert metrics.spatial_coherence_centred(ramp) > 0.8
    assert abs(metrics.spatial_coherence_centred(gaussian(900, 64).reshape(30, 30, 64))) < 0.02
    with pytest.raises(UnfitData, match=r"\(H, W, D\)"):
        metrics.spatial_coherence(np.ones((4, 3)))


@pytest.mark.parametrize("reading", metrics.readings(), ids=lambda card: card.name)
def test_bad_rows_are_refused(reading: metrics.Reading):
    x = gaussian(49, 6).reshape(7, 7, 6)
    broken = x.copy()
    broken[2, 3, 1] = np.nan
    with pytest.raises(UnfitTokens, match="1 of 294 numbers are not finite"):
        reading(broken)
    with pytest.raises(UnfitData):
        reading(np.zeros(4))
    with pytest.raises(UnfitData):
        reading(np.zeros((1, 4)))


@pytest.mark.parametrize(
    "reading",
    [card for card in metrics.readings() if card.laws.shift and card.needs != "grid"],
    ids=lambda card: card.name,
)
def test_rows_all_alike_have_no_centred_reading(reading: metrics.Reading):
    with pytest.raises((UnfitTokens, UnfitData)):
        reading(np.full((64, 5), 0.1) + np.arange(5))


DIRECTED = ("isotropy", "mean_cosine", "uniformity", "deviation")


@pytest.mark.parametrize("name", DIRECTED)
def test_rows_of_length_0_have_no_direction(name: str):
    """Zeros are no rows apart from all others: as such they would read isotropy 1 and uniformity -4."""
    x = gaussian(30, 4)
    x[7] = 0
    with pytest.raises(UnfitData, match="1 of 30 rows has length 0, and so no direction"):
        metrics.catalogue[name](x)
    with pytest.raises(UnfitData, match="30 of 30 rows have length 0"):
        metrics.catalogue[name](np.zeros((30, 4)))
    x[7] = 1e-40
    assert np.isfinite(metrics.catalogue[name](x))


def test_only_what_compares_directions_refuses_a_row_of_length_0():
    """One white patch must not take the spectrum of a photo away."""
    x = gaussian(120, 24)
    x[7] = 0
    for reading in metrics.readings():
        if reading.needs != "grid" and reading.name not in DIRECTED:
            assert np.isfinite(reading(x)), reading.name
