"""Jackknife: what it is for a mean, that it covers, and that order is nothing to it."""

import numpy as np
import pytest
from scipy.stats import t

from repscope import metrics
from repscope.accumulators import Reservoir
from repscope.statistics import groups, interval, jackknife, lowest


def test_of_a_mean_it_is_the_t_interval_of_the_groups_means():
    x = np.random.default_rng(0).normal(size=200)
    parts = groups([str(i) for i in range(200)], 10)
    low, high = jackknife(x.mean(), [np.delete(x, part).mean() for part in parts])
    means = np.array([x[part].mean() for part in parts])
    half = t.ppf(0.975, 9) * means.std(ddof=1) / np.sqrt(10)
    assert (low, high) == pytest.approx((x.mean() - half, x.mean() + half))


def test_more_images_narrow_it_by_their_root():
    low, high = jackknife(0.0, [-1.0, 0.0, 1.0], share=0.25)
    assert high - low == pytest.approx(np.diff(jackknife(0.0, [-1.0, 0.0, 1.0]))[0] / 2)


def test_groups_and_the_lowest_go_by_name():
    ids = [f"image {i}" for i in range(103)]
    order = np.random.default_rng(1).permutation(103)
    mixed = [ids[i] for i in order]
    for one, other in zip(groups(ids), groups(mixed), strict=True):
        assert {ids[i] for i in one} == {mixed[i] for i in other}
    assert sorted(np.concatenate(groups(ids)).tolist()) == list(range(103))
    assert {len(each) for each in groups(ids)} == {10, 11}
    assert {ids[i] for i in lowest(ids, 20)} == {mixed[i] for i in lowest(mixed, 20)}
    kept = Reservoir(size=20).of(np.arange(103)[:, None], ids).rows.ravel()
    assert set(kept.tolist()) == set(lowest(ids, 20).tolist())
    assert lowest(ids, 1000).tolist() == list(range(103))


def test_it_covers_a_similarity_that_is_known():
    """CKA of correlated Gaussian sets: 95 in 100 intervals hold the value of very many rows."""
    mix = np.random.default_rng(0).normal(size=(5, 5))

    def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        generator = np.random.default_rng([seed, n])
        x = generator.normal(size=(n, 5))
        return x, x @ mix + 2 * generator.normal(size=(n, 5))

    truth, held, parts = metrics.linear_cka(*drawn(100_000, 1)), 0, groups([str(i) for i in range(120)])
    for seed in range(150):
        x, y = drawn(120, seed)
        left = [metrics.linear_cka(np.delete(x, part, 0), np.delete(y, part, 0)) for part in parts]
        low, high = jackknife(metrics.linear_cka(x, y), left)
        held += low <= truth <= high
    assert 133 <= held <= 150


def test_the_interval_of_many_values_is_the_bootstraps():
    x = np.random.default_rng(0).exponential(size=5000)
    many, few = interval(x), interval(x[:4999])
    assert many == pytest.approx(few, abs=0.004)
    assert many[1] - many[0] == pytest.approx(2 * 1.96 * x.std() / np.sqrt(5000), rel=1e-3)
