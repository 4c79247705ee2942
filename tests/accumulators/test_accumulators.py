"""Accumulators are commutative monoids: any split, any order, the same answer."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.accumulators import CrossMoments, Histogram, Moments, Reservoir
from repscope.errors import UnfitData


def rows_of(n: int, d: int, seed: int = 0, offset: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) + offset


def ids_of(n: int) -> list[str]:
    return [f"photo {i}" for i in range(n)]


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(2, 60), d=st.integers(1, 20), cuts=st.lists(st.integers(0, 60), max_size=4), seed=st.integers(0, 99)
)
def test_any_split_gives_the_same_moments(n: int, d: int, cuts: list[int], seed: int):
    x = rows_of(n, d, seed, offset=3.0)
    whole = Moments().of(x)
    edges = sorted({0, n, *(c for c in cuts if c < n)})
    parts = [Moments().of(x[a:b]) for a, b in pairwise(edges)]
    merged = sum(parts[::-1])
    assert merged.n == n
    np.testing.assert_allclose(merged.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(merged.covariance(), np.cov(x.T, ddof=1).reshape(d, d), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(merged.spectrum, whole.spectrum, rtol=1e-9, atol=1e-10 * whole.spectrum[0])


@pytest.mark.parametrize("shape", [(30, 7), (7, 30), (12, 12), (13, 12)])
def test_spectrum_is_that_of_the_covariance(shape: tuple[int, int]):
    x = rows_of(*shape)
    spectrum = Moments().of(x).spectrum
    assert len(spectrum) == min(shape[0] - 1, shape[1])
    values = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2 / (len(x) - 1)
    np.testing.assert_allclose(spectrum, values[: len(spectrum)], rtol=1e-9, atol=1e-12)
    assert spectrum.sum() == pytest.approx(x.var(0, ddof=1).sum(), rel=1e-10)


@pytest.mark.parametrize("shape", [(30, 7), (7, 30)])
def test_uncentred_singular_values_are_those_of_the_rows(shape: tuple[int, int]):
    x = rows_of(*shape, offset=2.0)
    np.testing.assert_allclose(
        Moments().of(x).singular_values_uncentred, np.linalg.svd(x, compute_uv=False), rtol=1e-8, atol=1e-9
    )


def test_a_large_mean_costs_no_precision():
    x = rows_of(500, 5)
    far = sum(Moments().of(part + 1e7) for part in np.array_split(x, 7))
    np.testing.assert_allclose(far.spectrum, Moments().of(x).spectrum, rtol=1e-6)


def test_zero_is_neutral_and_state_comes_back():
    every = (
        Moments().of(rows_of(9, 4)),
        Reservoir(size=3).of(rows_of(9, 4), ids_of(9)),
        CrossMoments(split=1).of(rows_of(9, 4)),
        Histogram().of(abs(rows_of(9, 1)[:, 0])),
    )
    for made in every:
        zero = type(made)()
        assert (zero + made) is made is (made + zero)
        again = type(made).from_state(made.state())
        for name, value in made.state().items():
            np.testing.assert_array_equal(again.state()[name], value)


def test_widths_that_differ_do_not_add():
    with pytest.raises(UnfitData, match="width 3 and 4"):
        Moments().of(rows_of(5, 3)) + Moments().of(rows_of(5, 4))
    with pytest.raises(UnfitData, match="n, D"):
        Moments().of(np.zeros(4))
    with pytest.raises(UnfitData, match="2 rows or more; got 1"):
        Moments().of(rows_of(1, 4)).covariance()


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 50), size=st.integers(1, 20), seed=st.integers(0, 9))
def test_a_reservoir_keeps_the_same_ids_whatever_the_order(n: int, size: int, seed: int):
    x, ids = np.arange(n, dtype=float)[:, None], ids_of(n)
    order = np.random.default_rng(seed).permutation(n)
    whole = Reservoir(size=size).of(x, ids)
    parts = [Reservoir(size=size).of(x[p], [ids[i] for i in p]) for p in np.array_split(order, 3) if len(p)]
    merged = sum(parts)
    assert merged.n == n
    np.testing.assert_array_equal(merged.rows, whole.rows)
    assert len(merged.rows) == min(n, size)


def test_reservoirs_of_two_encoders_are_paired_and_hold_grids():
    grids, ids = np.random.default_rng(0).normal(size=(20, 4, 4, 3)), ids_of(20)
    one, other = Reservoir(size=5).of(grids, ids), Reservoir(size=5).of(2 * grids, ids)
    np.testing.assert_array_equal(2 * one.rows, other.rows)
    assert one.rows.shape == (5, 4, 4, 3)
    with pytest.raises(UnfitData, match="an id for every row"):
        Reservoir().of(grids, ids[:3])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(2, 40), d=st.integers(1, 6), e=st.integers(1, 6), cut=st.integers(0, 40), seed=st.integers(0, 99))
def test_any_split_gives_the_same_cross_moments(n: int, d: int, e: int, cut: int, seed: int):
    x, zero = rows_of(n, d + e, seed, offset=5.0), CrossMoments(split=d)
    parts = [zero.of(part) for part in (x[:cut], x[cut:]) if len(part)]
    merged = sum(parts[::-1])
    whole = np.cov(x.T)[:d, d:]
    np.testing.assert_allclose(merged.covariance(), whole, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(merged.mean, x.mean(0))


def test_cross_moments_that_do_not_fit():
    with pytest.raises(UnfitData, match="D = 4"):
        CrossMoments(split=4).of(rows_of(5, 4))
    with pytest.raises(UnfitData, match="cannot be added"):
        CrossMoments(split=1).of(rows_of(5, 3)) + CrossMoments(split=2).of(rows_of(5, 3))
    with pytest.raises(UnfitData, match="2 rows or more"):
        CrossMoments(split=1).of(rows_of(1, 3)).covariance()


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=50), st.integers(0, 50))
def test_histograms_add_up_exactly(values: list[float], cut: int):
    x = np.array(values)
    whole = Histogram().of(x)
    parts = Histogram().of(x[:cut]) + Histogram().of(x[cut:])
    np.testing.assert_array_equal(parts.counts, whole.counts)
    assert whole.counts.sum() == whole.n == len(x)
    assert whole.counts[-1] == (x >= 2.0**20).sum()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_quantile_is_right_to_a_bin(share: float):
    x = np.random.default_rng(0).lognormal(1, 2, 20_000)
    assert Histogram().of(x).quantile(share) == pytest.approx(np.quantile(x, share), rel=0.05)
    with pytest.raises(UnfitData, match="one number or more"):
        Histogram().quantile(share)
    with pytest.raises(UnfitData, match="none below 0"):
        Histogram().of(-x)


@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_moments_of_many_rows_are_those_of_few_to_a_millionth(offset: float):
    x = rows_of(5000, 40, offset=offset).astype(np.float32)
    quick, exact = Moments().of_many(x), Moments().of(x)
    np.testing.assert_allclose(quick.mean, exact.mean, rtol=1e-12)
    np.testing.assert_allclose(quick.spectrum, exact.spectrum, atol=3e-6 * exact.spectrum[0])
    few = x[:30]
    np.testing.assert_array_equal(Moments().of_many(few).factor, Moments().of(few).factor)


@pytest.mark.parametrize("shape", [(30, 7), (7, 30)])
def test_concentration_and_variance_are_those_of_the_spectrum(shape: tuple[int, int]):
    made = Moments().of(rows_of(*shape, offset=1.0))
    assert made.variance == pytest.approx(made.spectrum.sum(), rel=1e-10)
    assert made.concentration == pytest.approx((made.spectrum**2).sum() / made.spectrum.sum() ** 2, rel=1e-10)
