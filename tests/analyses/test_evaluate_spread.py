"""Silhouette and components: parity with scikit-learn, exact cases, what is left without a block, coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples, silhouette_score
from test_evaluate_neighbours import clusters

from repscope.analyses import _components, _silhouette
from repscope.analyses._components import components
from repscope.analyses._silhouette import silhouette
from repscope.errors import UnfitData, UnfitTokens


def coded(y):
    return np.unique(y, return_inverse=True)[1]


@given(st.integers(6, 60), st.integers(2, 5), st.integers(1, 9), st.integers(0, 999), st.booleans())
@settings(max_examples=25, deadline=None)
def test_silhouette_is_scikit_learns(n, classes, width, seed, cosine):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, width)) + 3, coded(np.append(rng.integers(0, classes, n - classes), np.arange(classes)))
    if len(np.unique(y)) == n:
        return
    estimate, _ = silhouette(x, y, np.arange(n), n, cosine=cosine)
    expected = silhouette_score(x, y, metric="cosine" if cosine else "euclidean")
    assert estimate.value == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("cosine", [False, True])
def test_silhouette_without_each_block_is_that_of_the_others(cosine, monkeypatch):
    monkeypatch.setattr(_silhouette, "BLOCK", 500)  # several blocks of rows
    x, y = clusters(90)
    block = np.random.default_rng(5).permutation(90) % 9
    estimate, _ = silhouette(x, y, block, 90, cosine=cosine)
    for each in range(9):
        kept = block != each
        expected = silhouette_score(x[kept].astype(float), y[kept], metric="cosine" if cosine else "euclidean")
        assert estimate.left[each] == pytest.approx(expected, abs=1e-5)


def test_silhouettes_null_is_that_of_dealt_labels(monkeypatch):
    x, y = clusters(80)
    _, null = silhouette(x, y, np.arange(80), 80)
    draws = [silhouette_score(x, np.random.default_rng(s).permutation(y)) for s in range(99)]
    assert null.mean == pytest.approx(np.mean(draws), abs=5 * np.std(draws) / 10)
    assert null.q95 == pytest.approx(np.quantile(draws, 0.95), abs=0.01)
    assert null.mean < 0  # the nearest of several classes is near by chance
    assert null.p == 0.01


def test_silhouette_of_points_on_a_line_by_hand():
    x = np.array([[0.0], [1.0], [10.0], [11.0], [12.0]])
    expected = np.mean([(11 - 1) / 11, (10 - 1) / 10, (9.5 - 1.5) / 9.5, (10.5 - 1) / 10.5, (11.5 - 1.5) / 11.5])
    estimate, _ = silhouette(x, np.array([0, 0, 1, 1, 1]), np.arange(5), 5)
    assert estimate.value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_silhouette_does_not_notice_scale_shift_or_order(scale):
    x, y = clusters(70)
    known, _ = silhouette(x, y, np.arange(70), 70)
    order = np.random.default_rng(0).permutation(70)
    moved, _ = silhouette((x[order].astype(float) + 5) * scale, y[order], order, 70)
    assert moved.value == pytest.approx(known.value, abs=1e-5)
    assert moved.error == pytest.approx(known.error, abs=1e-5)


def test_a_class_of_one_image_scores_zero_as_in_scikit_learn():
    x, y = np.array([[0.0, 0], [0, 1], [5, 5], [5, 6], [9, 0]]), np.array([0, 0, 1, 1, 2])
    estimate, _ = silhouette(x, y, np.arange(5), 5)
    assert estimate.value == pytest.approx(silhouette_samples(x, y).mean(), abs=1e-6)
    assert silhouette_samples(x, y)[4] == 0


@pytest.mark.parametrize(("n", "width"), [(200, 12), (9, 40)])
def test_components_are_scikit_learns(n, width):
    x = np.random.default_rng(0).normal(size=(n, width)) @ np.diag(np.linspace(3, 0.1, width)) + 7
    made, known = components(x), PCA().fit(x)
    count = min(n - 1, width)
    assert made.shares == pytest.approx(known.explained_variance_ratio_[:count], rel=1e-6)
    assert made.spectrum == pytest.approx(known.explained_variance_[:count], rel=1e-6)
    assert np.abs(made.coordinates(3)) == pytest.approx(np.abs(known.transform(x)[:, :3]), abs=1e-8)
    largest = made.axes[np.arange(count), np.abs(made.axes).argmax(1)]
    assert (largest > 0).all()


def test_coordinates_of_others_are_along_the_same_axes():
    x = np.random.default_rng(0).normal(size=(50, 6))
    made = components(x)
    assert made.coordinates(2, x[:3]) == pytest.approx(made.coordinates(2)[:3])


def test_the_cumulative_share_without_a_block_is_near_what_is_decomposed_anew(monkeypatch):
    monkeypatch.setattr(_components, "TOGETHER", 100)
    x = np.random.default_rng(1).normal(size=(1000, 20)) * 0.7 ** np.arange(
        20
    )  # components that a block does not turn far
    block = np.random.default_rng(2).permutation(1000) % 50
    found = components(x).cumulative(block, 1000)
    for k in (1, 5, 20):
        anew = np.array([components(x[block != each]).shares[:k].sum() for each in range(50)])
        assert found[k - 1].value == pytest.approx(components(x).shares[:k].sum())
        assert found[k - 1].left == pytest.approx(anew, abs=3e-4)
        if k < 20:
            assert np.corrcoef(found[k - 1].left, anew)[0, 1] > 0.99


def test_float16_is_as_good_as_it_can_be():
    x = np.random.default_rng(1).normal(size=(300, 16)) + 2
    assert components(x.astype(np.float16).astype(np.float32)).shares == pytest.approx(components(x).shares, abs=1e-3)


def test_nothing_that_varies_is_refused():
    with pytest.raises(UnfitTokens, match="alike"):
        components(np.full((10, 4), 0.1, np.float32))
    with pytest.raises(UnfitData, match="2 images"):
        components(np.ones((1, 4)))


def test_intervals_of_silhouette_and_variance_cover():
    found = []
    for seed in range(60):
        x, y = clusters(200, seed=10 * seed)
        block = np.random.default_rng(seed).permutation(200)
        both = silhouette(x, y, block, 200)[0], components(x).cumulative(block, 200)[2]
        found.append([(each.value, each.error, *each.interval()) for each in both])
    for value, error, low, high in np.array(found).transpose(1, 2, 0):
        assert ((low <= value.mean()) & (value.mean() <= high)).mean() >= 0.9
        assert 0.8 < np.sqrt(np.square(error).mean()) / value.std(ddof=1) < 1.5
