"""Nearest rows against a search of all pairs in float64, on rows that quick numbers cannot tell apart too."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.errors import UnfitData, UnfitTokens
from repscope.nearest import nearest, nearest_distances, nearest_products, products, search

N, D, K = 1200, 48, 10


def gaussian(n: int = N, d: int = D, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def unit(x: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def cosines(bank: np.ndarray, queries: np.ndarray | None = None, centred: bool = False) -> np.ndarray:
    """All pairs in float64; -inf for a row and itself."""
    rows, asked = (np.asarray(x, np.float64) for x in (bank, bank if queries is None else queries))
    if centred:
        rows, asked = rows - rows.mean(0), asked - rows.mean(0)
    found = unit(asked) @ unit(rows).T
    if queries is None:
        np.fill_diagonal(found, -np.inf)
    return found


def agree(places: np.ndarray, known: np.ndarray, within: float = 1e-12) -> None:
    """These are the largest of each row, in order; which of those apart by rounding alone does not matter."""
    largest = -np.sort(-known, axis=1)[:, : places.shape[1]]
    np.testing.assert_allclose(np.take_along_axis(known, places, 1), largest, rtol=0, atol=within)
    assert all(len(set(row)) == len(row) for row in places.tolist())


def clusters() -> np.ndarray:
    """Four bundles of rows apart by 1e-4: bfloat16 sees one row in each."""
    return np.repeat(gaussian(4), N // 4, 0) + 1e-4 * gaussian(seed=1)


HARD = {
    "gaussian": gaussian(),
    "mean": gaussian() + 100,
    "clusters": clusters(),
    "copies": np.repeat(gaussian(N // 20), 20, 0),
    "scales": gaussian() * np.exp(12 * gaussian(d=1, seed=2)),
    "float16": (gaussian() + 2).astype(np.float16),
    "float64": gaussian().astype(np.float64) * 1e-100,
    "zeros": np.where(np.arange(N)[:, None] % 7 == 0, 0, gaussian()),
    "few directions": np.sign(gaussian(d=5)),
    "two columns": gaussian(d=2),
    "strided": gaussian(2 * N)[::2],
}
KINDS = (["bfloat16", "float32"], ["float32"], [])


@pytest.fixture(params=KINDS, ids=["bfloat16", "float32", "float64"])
def kinds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fast numbers that propose."""
    monkeypatch.setattr(search, "_kinds", lambda likeness: request.param)
    return request.param


@pytest.mark.parametrize("name", HARD)
def test_nearest_are_those_of_all_pairs(name: str, kinds: list[str]):
    found = nearest(HARD[name], K)
    known = cosines(HARD[name])
    agree(found.rows, known)
    np.testing.assert_allclose(found.cosine, np.take_along_axis(known, found.rows, 1), atol=1e-7)
    assert found.cosine.dtype == np.float32


@pytest.mark.parametrize("centred", [False, True])
def test_queries_beside_a_bank(centred: bool, kinds: list[str]):
    bank, queries = gaussian() + 3, gaussian(200, seed=5) + 3
    agree(nearest(bank, K, queries, centred=centred).rows, cosines(bank, queries, centred))


@pytest.mark.parametrize("name", ["copies", "few directions", "zeros"])
def test_equal_rows_are_in_the_order_of_the_bank(name: str, kinds: list[str]):
    found = nearest(HARD[name], 30)
    for row, cosine in zip(found.rows, found.cosine, strict=True):
        for value in np.unique(cosine):
            tied = row[cosine == value]
            alike = [place for place in tied if (HARD[name][place] == HARD[name][tied[0]]).all()]
            assert alike == sorted(alike)
    copies = nearest(np.repeat(gaussian(N // 20), 20, 0), 19).rows
    assert copies[5].tolist() == [place for place in range(20) if place != 5]
    assert (copies[-1] == np.arange(N - 20, N - 1)).all()


def test_a_row_of_zeros_is_as_near_to_all():
    found = nearest(HARD["zeros"], 4)
    assert found.rows[0].tolist() == [1, 2, 3, 4]
    assert found.rows[7].tolist() == [0, 1, 2, 3]
    assert not found.cosine[[0, 7]].any()


@pytest.mark.parametrize("name", ["gaussian", "mean", "copies", "clusters"])
@pytest.mark.parametrize("threads", [1, 3])
def test_bits_depend_neither_on_blocks_nor_on_numbers(name: str, threads: int, monkeypatch: pytest.MonkeyPatch):
    known = nearest(HARD[name], K)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    for kind in KINDS:
        monkeypatch.setattr(search, "_kinds", lambda likeness, kind=kind: kind)
        monkeypatch.setattr(products, "QUERIES", 130)
        monkeypatch.setattr(products, "BANK", 300)
        found = nearest(HARD[name], K)
        assert (found.rows == known.rows).all()
        assert (found.cosine == known.cosine).all()


def test_threads_are_as_many_after_as_before():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        nearest(gaussian(2500), 3)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_without_its_bound_bfloat16_loses_neighbours(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "_kinds", lambda likeness: ["bfloat16"])
    left = products.Products._left
    monkeypatch.setattr(products.Products, "_left", lambda self, asked: (left(self, asked)[0], np.zeros(len(asked))))
    monkeypatch.setitem(products.ROUNDING, torch.bfloat16, 0.0)
    with pytest.raises(AssertionError):
        agree(nearest(HARD["gaussian"], K).rows, cosines(HARD["gaussian"]))


def test_what_bfloat16_cannot_tell_apart_is_left_to_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(search, "_kinds", lambda likeness: ["bfloat16"])
    monkeypatch.setattr(products, "SPARE", 0)
    decided, honest = [], search._decided
    monkeypatch.setattr(search, "_decided", lambda *args: decided.append(honest(*args)) or decided[-1])
    agree(nearest(HARD["clusters"], K).rows, cosines(HARD["clusters"]))
    assert not np.concatenate(decided).any()
    assert len(np.concatenate(decided)) <= products.QUERIES  # the rest is not even tried


@pytest.mark.parametrize("mean", [0, 100])
def test_most_queries_are_proved_at_once(mean: float, monkeypatch: pytest.MonkeyPatch):
    """A mean costs nothing: it is taken out before anything is rounded."""
    monkeypatch.setattr(search, "_kinds", lambda likeness: ["bfloat16"])
    left: list[int] = []
    monkeypatch.setattr(search, "certain", lambda likeness, k, own, asked: left.extend(asked) or ())
    nearest(gaussian(d=256) + mean, K)
    assert len(left) < 0.05 * N


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), d=st.integers(1, 70), size=st.floats(-30, 15), mean=st.floats(0, 1e3))
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32])
def test_none_of_the_most_alike_is_ever_left_out(kind: torch.dtype, seed: int, d: int, size: float, mean: float):
    from repscope.nearest.likeness import Closeness, Cosine, Product
    from repscope.nearest.vectors import Vectors

    rng = np.random.default_rng(seed)
    x = ((rng.standard_t(3, size=(90, d)) + mean * rng.normal(size=d)) * 10**size).astype(np.float32)
    for likeness in (Cosine, Product, Closeness):
        vectors = Vectors(x, None if likeness is Cosine else x.mean(0, dtype=np.float64))
        measured = likeness(vectors, vectors)
        proposal = products.Products(measured, kind).top(np.arange(90), 5, own=False)
        for query, asked in enumerate(measured.asked(slice(0, 90))):
            exact = measured.exact(asked[None], np.arange(90), np.array([0, 90]))
            assert set(np.flatnonzero(exact >= np.sort(exact)[-5])) <= set(proposal.of(query))


def test_distances_are_those_of_all_pairs(kinds: list[str]):
    for name in ("gaussian", "mean", "clusters", "scales", "float16"):
        x = HARD[name].astype(np.float64)
        known = np.stack([np.sort(np.linalg.norm(x - row, axis=1))[1:6] for row in x[::10]])
        np.testing.assert_allclose(nearest_distances(HARD[name], 5)[::10], known, rtol=1e-9, atol=1e-13)


def test_products_are_those_of_all_pairs(kinds: list[str]):
    for name in ("gaussian", "mean", "scales", "copies"):
        x = HARD[name].astype(np.float64)
        known = (x - x.mean(0)) @ (x - x.mean(0)).T
        np.fill_diagonal(known, -np.inf)
        places, values = nearest_products(HARD[name], K)
        size = np.abs(known[np.isfinite(known)]).max()
        agree(places, known, 1e-12 * size)
        np.testing.assert_allclose(values, np.take_along_axis(known, places, 1), atol=1e-12 * size)


def test_more_neighbours_than_candidates_and_all_of_them():
    x = gaussian(2100, 6)
    agree(nearest(x, 700).rows, cosines(x))
    assert (np.sort(nearest(x[:50], 49).rows, 1) == [[j for j in range(50) if j != i] for i in range(50)]).all()


def test_mapped_from_disk(tmp_path):
    np.save(tmp_path / "x.npy", gaussian())
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert (nearest(mapped, 3).rows == nearest(gaussian(), 3).rows).all()


def test_what_cannot_be_searched_is_refused():
    x = gaussian(20, 4)
    with pytest.raises(UnfitData, match="20 neighbours want 21 rows or more; got 20"):
        nearest(x, 20)
    with pytest.raises(UnfitData, match="0 neighbours"):
        nearest(x, 0)
    with pytest.raises(UnfitData, match="width 3 cannot be compared with a bank of width 4"):
        nearest(x, 2, x[:, :3])
    with pytest.raises(UnfitData, match="21 rows or more"):
        nearest_distances(x, 20)
    with pytest.raises(UnfitData, match="21 rows or more"):
        nearest_products(x, 20)
    x[3, 1] = np.nan
    with pytest.raises(UnfitTokens, match="1 of 20 rows"):
        nearest(x, 2)
