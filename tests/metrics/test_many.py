"""Measures of many rows against the same measures from n x n matrices, which are tested for themselves.

Many is set to 60 here, so that 250 rows are five blocks, the last one short.
"""

import sys

import numpy as np
import pytest

from repscope import metrics
from repscope.errors import UnfitData, UnfitTokens
from repscope.metrics import Rows, _rows

N = 250
EXACT = {"mutual_knn": 1e-12, "cknna": 1e-10, "procrustes": 1e-9, "ridge_map": 1e-9, "cca": 1e-9}
QUICK = {"linear_cka": 1e-6, "linear_cka_biased": 1e-6, "rsa": 1e-6}
"""Of float32 products, and of distances ranked in float32."""


def sets(kind: type = np.float32, seed: int = 0, mean: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, 16)) * np.linspace(2, 0.2, 16)
    y = x[:, :7] @ rng.normal(size=(7, 7)) + rng.normal(size=(N, 7))
    return (x + mean).astype(kind), (y - mean).astype(kind)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "MANY", 60)
    monkeypatch.setattr(sys.modules["repscope.metrics.ridge_map"], "MANY", 30)
    monkeypatch.setattr(sys.modules["repscope.metrics.uniformity"], "BLOCK", 60)


def few(compute, *args):
    """The same by matrices of pairs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rows, "MANY", 4096)
        return compute(*(Rows(x) for x in args))


@pytest.mark.parametrize("name", EXACT | QUICK)
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_a_pair_of_many_rows(name: str, kind: type, many: None):
    pair, (x, y) = metrics.catalogue[name], sets(kind)
    rows = Rows(x), Rows(y)
    assert rows[0].many
    assert rows[0].given.dtype == kind
    assert pair.of(*rows) == pytest.approx(few(pair.of, x, y), abs=(EXACT | QUICK)[name])


@pytest.mark.parametrize("name", EXACT | QUICK)
def test_orders_and_their_mean(name: str, many: None):
    pair, (x, y) = metrics.catalogue[name], sets()
    orders = np.stack([np.random.default_rng(seed).permutation(N) for seed in range(3)])
    drawn = pair.relabelled(Rows(x), Rows(y), orders)
    known = [few(pair.of, x, y[order]) for order in orders]
    assert drawn == pytest.approx(known, abs=1e-4 if name == "procrustes" else 1e-5)
    if (chance := pair.chance(Rows(x), Rows(y))) is not None:
        assert chance == pytest.approx(few(pair.chance, x, y), abs=1e-6)
    else:
        assert name in ("procrustes", "cca", "ridge_map")


def test_a_null_of_many_rows_has_few_draws(many: None):
    x, y = sets()
    orders = np.stack([np.random.default_rng(seed).permutation(N) for seed in range(30)])
    assert len(metrics.procrustes.relabelled(Rows(x), Rows(y), orders)) == metrics.procrustes.many_draws == 20
    assert len(metrics.mutual_knn.relabelled(Rows(x), Rows(y), orders)) == 30


@pytest.mark.parametrize("reading", [r for r in metrics.readings() if r.needs != "grid"], ids=lambda card: card.name)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_reading_of_many_rows(reading: metrics.Reading, kind: type, many: None):
    x, _ = sets(kind)
    x = np.concatenate([x, x[:3]])  # rows that are there twice
    assert reading(x) == pytest.approx(few(reading.of, x), rel=1e-6 if reading.name == "uniformity" else 1e-9)


def test_what_float32_products_cost():
    """Independent, alike and shifted sets of 5,000: CKA from features is off by less than 1e-6."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(5000, 96)) * np.linspace(3, 0.1, 96) + 5).astype(np.float32)
    for y in (rng.normal(size=(5000, 64)), x[:, :40] + rng.normal(size=(5000, 40)), 1e-20 * x + 1e-18):
        y = np.asarray(y, np.float32)
        a, b = x - x.mean(0, dtype=np.float64), y - y.mean(0, dtype=np.float64)
        size = (np.square(a).sum(1), np.square(b).sum(1))

        def hsic(one, other, first, second):
            n = len(one)
            sums = first.sum() * second.sum() / ((n - 1) * (n - 2)) - 2 * (first @ second) / (n - 2)
            return np.square(one.T @ other).sum() - first @ second + sums

        known = hsic(a, b, *size) / np.sqrt(hsic(a, a, size[0], size[0]) * hsic(b, b, size[1], size[1]))
        assert metrics.linear_cka(x, y) == pytest.approx(known, abs=1e-6)
        biased = np.square(a.T @ b).sum() / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b)
        assert metrics.linear_cka_biased(x, y) == pytest.approx(biased, abs=1e-6)


@pytest.mark.parametrize("name", EXACT | QUICK)
def test_a_set_of_many_rows_with_itself(name: str, many: None):
    pair, (x, _) = metrics.catalogue[name], sets()
    best = pytest.approx(pair.best, abs=1e-6)
    turned = x @ np.linalg.qr(np.random.default_rng(0).normal(size=(16, 16)))[0]
    if name == "ridge_map":
        assert 0.95 < pair(x, x) < 1
    else:
        assert pair(x, x) == best
        assert pair(x, np.float32(2) * x) == best
        assert name == "mutual_knn" or pair(x, turned) == pytest.approx(pair.best, abs=2e-6)


@pytest.mark.parametrize("name", EXACT | QUICK)
def test_many_rows_all_alike_are_refused(name: str, many: None):
    if name != "mutual_knn":
        with pytest.raises(UnfitTokens, match=r"alike|undefined"):
            metrics.catalogue[name](sets()[0], np.full((N, 4), 0.1, np.float32))


def test_rows_too_many_for_pairs_of_them_are_refused(monkeypatch: pytest.MonkeyPatch):
    x, y = np.zeros((20000, 2), np.float32), np.zeros((20000, 2), np.float32)
    x[1:, 0] = y[:-1, 1] = np.arange(1, 20000)
    with pytest.raises(UnfitData, match=r"all 199,990,000 pairs of 20000 rows.*10000 rows at most"):
        metrics.rsa(x, y)
    with pytest.raises(UnfitData, match=r"matrix of all their pairs, 3 GB; .* 16384 rows at most"):
        _ = Rows(x).gram


def test_rows_that_are_few_do_not_change_with_what_they_were_made_of():
    x = np.random.default_rng(0).normal(size=(30, 4))
    rows = Rows(x.astype(np.float32))
    assert rows.given.dtype == np.float64
