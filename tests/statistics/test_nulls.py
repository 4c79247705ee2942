"""Nulls: what they are made of, and that they hold their level."""

import numpy as np
import pytest

from repscope import metrics
from repscope.frames import Frame, registered
from repscope.metrics import Pair, Rows
from repscope.metrics._card import order_of
from repscope.statistics import interval, null_of, other_images, permutations, torus_shifts


def smooth(grid: tuple[int, int], d: int, seed: int, width: float = 1.5) -> np.ndarray:
    """A smooth random field with no preferred place: a torus of noise, blurred."""
    noise = np.random.default_rng(seed).normal(size=(*grid, d))
    rows, columns = (np.minimum(np.arange(s), s - np.arange(s)) for s in grid)
    blur = np.exp(-(np.add.outer(rows**2, columns**2)) / (2 * width**2))
    return np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * np.fft.fft2(blur)[..., None], axes=(0, 1)).real


def test_torus_shifts_leave_out_what_is_near():
    shifts = torus_shifts((16, 16))
    assert len(shifts) == 256 - 25
    assert len(torus_shifts((5, 5))) == 0
    assert (0, 3) in {tuple(s) for s in shifts}
    assert (15, 1) not in {tuple(s) for s in shifts}


@pytest.mark.parametrize("pair", metrics.pairs(), ids=lambda card: card.name)
def test_all_shifts_at_once_are_those_one_by_one(pair: Pair):
    x, y = smooth((7, 10), 4, 0), smooth((7, 10), 3, 1)
    shifts = torus_shifts((7, 10))
    fast = pair.shifted(Rows(x), Rows(y), shifts)
    if len(fast) < len(shifts):
        shifts = metrics.spread(shifts, pair.draws)
    for shift, value in list(zip(shifts, fast, strict=True))[::5]:
        moved = np.roll(y, (-shift[0], -shift[1]), axis=(0, 1))
        assert value == pytest.approx(pair(x, moved), abs=2e-4)
        np.testing.assert_array_equal(y.reshape(-1, 3)[order_of(shift, (7, 10))], moved.reshape(-1, 3))


@pytest.mark.parametrize("pair", [p for p in metrics.pairs() if p.name != "ridge_map"], ids=lambda card: card.name)
def test_chance_is_the_mean_over_orders(pair: Pair):
    x, y = (Rows(np.random.default_rng(s).normal(size=(40, 3))) for s in (0, 1))
    chance = pair.chance(x, y)
    if chance is not None:
        drawn = pair.relabelled(x, y, permutations(40, 3000))
        assert chance == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(3000))


def test_chance_of_shared_neighbours_is_k_over_n():
    x, y = (Rows(np.random.default_rng(s).normal(size=(256, 8))) for s in (0, 1))
    assert metrics.mutual_knn.chance(x, y) == pytest.approx(10 / 255)


def test_relabelled_rows_give_what_relabelled_arrays_do():
    x, y = np.random.default_rng(0).normal(size=(2, 100, 3))
    orders = permutations(100, 5)
    for pair in metrics.pairs():
        made = pair.relabelled(Rows(x), Rows(y), orders)
        known = [pair(x, y[order]) for order in orders]
        np.testing.assert_allclose(made, known, atol=2e-4)


def test_independent_smooth_fields_do_not_exceed_their_torus_null():
    """200 draws, at most 8 % past the 5 % level; a permutation null would call nearly all of them alike."""
    past = {"linear_cka": 0, "mutual_knn": 0}
    fooled = 0
    shifts = torus_shifts((12, 12))
    for seed in range(200):
        x, y = (Rows(smooth((12, 12), 16, 2 * seed + k)) for k in (0, 1))
        for name in past:
            pair = metrics.catalogue[name]
            null = null_of("torus shifts", pair, value := pair.of(x, y), pair.shifted(x, y, shifts))
            past[name] += null.exceeded
        if seed < 30:
            fooled += value > np.quantile(metrics.mutual_knn.relabelled(x, y, permutations(144, 40)), 0.95)
    assert max(past.values()) <= 0.08 * 200
    assert fooled > 0.8 * 30


def test_the_same_field_on_two_grids_is_recognised_through_registration():
    """Cut a field of the plane at 16 x 16 and 14 x 14: the first 196 in raster order are unrelated places."""
    rng = np.random.default_rng(0)
    waves = rng.normal(size=(24, 2)) * 5
    phases, weights = rng.uniform(0, 7, 24), rng.normal(size=(24, 32))

    def cut(side: int) -> np.ndarray:
        centres = (np.arange(side) + 0.5) / side
        places = np.stack(np.meshgrid(centres, centres, indexing="ij"), -1)
        return np.cos(places @ waves.T + phases) @ weights

    x, y, overlay = registered(cut(16), Frame(), cut(14), Frame())
    assert overlay.grid == (14, 14)
    assert metrics.linear_cka(x.reshape(196, -1), y.reshape(196, -1)) > 0.97
    assert metrics.mutual_knn(x.reshape(196, -1), y.reshape(196, -1)) > 0.8
    raster = cut(16).reshape(256, -1)[:196]
    assert metrics.linear_cka(raster, y.reshape(196, -1)) < 0.6


def test_other_images_give_every_photo_that_of_another():
    x, y = ([Rows(smooth((6, 6), 4, s + k)) for s in range(5)] for k in (0, 50))
    draws = other_images(metrics.linear_cka, x, y)
    assert len(draws) == 44  # derangements of five
    crossed = [[metrics.linear_cka.of(a, b) for b in y] for a in x]
    assert any(np.isclose(draws, np.mean([crossed[i][(i + 1) % 5] for i in range(5)])))
    assert len(other_images(metrics.linear_cka, x * 2, y * 2)) == 199


def test_other_images_hold_their_level_where_torus_shifts_do_not():
    """Independent fields that do not go on beyond their edges: the seam of a torus shift fools its null."""

    def field(seed: int) -> Rows:
        return Rows(smooth((24, 24), 24, seed, 2.0)[:12, :12])

    pair, past = metrics.linear_cka, {"torus": 0, "images": 0}
    for trial in range(40):
        x, y = ([field(1000 * trial + 2 * s + k) for s in range(5)] for k in (0, 1))
        value = float(np.mean([pair.of(a, b) for a, b in zip(x, y, strict=True)]))
        past["images"] += null_of("", pair, value, other_images(pair, x, y)).exceeded
        one = pair.of(x[0], y[0])
        past["torus"] += null_of("", pair, one, pair.shifted(x[0], y[0], torus_shifts((12, 12)))).exceeded
    assert past["images"] <= 6
    assert past["torus"] > 10


def test_p_and_calibration():
    pair = metrics.linear_cka
    draws = np.linspace(0, 0.99, 100)
    assert null_of("", pair, 2.0, draws).p == pytest.approx(1 / 101)
    assert null_of("", pair, -1.0, draws).p == 1
    assert null_of("", pair, draws[-1], draws).p == pytest.approx(2 / 101)
    assert null_of("", pair, 1.0, draws).calibrated == pytest.approx(1)
    assert null_of("", pair, 0.1, draws).calibrated == 0
    angle = null_of("", metrics.procrustes, 0.0, 1 + draws)
    assert angle.exceeded
    assert angle.calibrated == pytest.approx(1)
    assert angle.q95 == pytest.approx(np.quantile(1 + draws, 0.05))


def test_interval_covers_and_does_not_depend_on_order():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(150):
        x = rng.normal(size=40)
        low, high = interval(x)
        inside += low < 0 < high
        assert interval(rng.permutation(x)) == (low, high)
    assert inside / 150 > 0.88
    assert interval([1.0]) is None
