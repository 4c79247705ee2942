"""Directions of position: found where they are planted, seldom where there are none."""

import numpy as np
import pytest
from numpy.typing import NDArray
from panels import BOUND, NONE, drawn, panel, planted, seen, within

import repscope
from repscope.analyses._codes import coded
from repscope.analyses._position import position_directions
from repscope.errors import Unsupported
from repscope.images import gather
from repscope.report.probe import KINDS


def test_planted_position_is_found_and_removed():
    grids = planted(24, 4.0)
    found = position_directions(grids)
    basis = np.linalg.qr(np.random.default_rng(3).normal(size=(40, 40)))[0]
    assert len(found) == 2
    assert np.linalg.norm(found @ basis[:2].T, axis=0).min() > 0.97
    made = coded("one", [seen(grid) for grid in grids], found, without_position="")
    for kind in KINDS:
        assert within(made, 2, grids[2], kind, found) <= BOUND
    top, bottom = (0, 6), (11, 6)  # opposite in position, alike in nothing else
    apart = [
        np.mean([made.similarity(i, top, kind)[bottom] for i in range(len(grids))])
        for kind in ("centred", "position removed")
    ]
    assert apart[0] < -0.2
    assert abs(apart[1]) < 0.1


@pytest.mark.parametrize("photos", [6, 12])
def test_smooth_fields_without_position_seldom_pass(photos):
    """Slow waves of any direction and phase, cut from larger fields: ramps that do not join at the edges."""
    found = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        down, across = np.mgrid[0:1:9j, 0:1:9j]
        grids = []
        for _ in range(photos):
            waves = [
                np.cos(rng.normal(size=2) @ [down.ravel(), across.ravel()] * 2 + rng.uniform(0, 7)) for _ in range(20)
            ]
            grids.append((np.stack(waves, 1) @ rng.normal(size=(20, 12))).reshape(9, 9, 12))
        found += len(position_directions(grids)) > 0
    assert found <= 6  # 5 % of 40 are 2; more than 6 would be seen once in 300


@pytest.mark.parametrize("photos", [6, 7, 8, 12])
def test_weak_directions_are_found_beside_strong_ones(photos):
    """The null is of what is left: a strong direction does not hide one of a fifth of its length."""
    rng = np.random.default_rng(photos)
    down, across = np.mgrid[-1:1:12j, -1:1:12j]
    first, second = np.linalg.qr(rng.normal(size=(20, 2)))[0].T
    grids = [
        5 * down[..., None] * first + across[..., None] * second + rng.normal(size=(12, 12, 20)) for _ in range(photos)
    ]
    found = position_directions(grids)
    assert np.linalg.norm(found @ np.stack([first, second]).T, axis=0).min() > 0.9
    np.testing.assert_allclose(found @ found.T, np.eye(len(found)), atol=1e-9)


def test_long_tokens_hide_no_position():
    grids = planted(24, 4.0)
    for seed, grid in enumerate(grids):
        for row, column in np.random.default_rng(seed).integers(0, 12, (4, 2)):
            grid[row, column] *= 60
    assert len(position_directions(grids)) == 2


def test_what_all_photos_have_is_position_and_something_is_left():
    field = np.random.default_rng(0).normal(size=(8, 8, 5))
    assert len(position_directions([field] * 6)) == 4


@pytest.mark.parametrize("name", ["tiny-mae", "tiny-distill"])
def test_little_position_is_left_in_photos_not_seen(name):
    """An unbiased estimate of its variance in other photos, before and after."""
    rng = np.random.default_rng(0)
    pixels = [np.uint8(255 * blurred(rng.normal(size=(64, 64, 3)))) for _ in range(32)]
    (tokens,) = repscope.load(name)(gather(pixels)[0])
    grids = tokens.patches.astype(np.float64)
    found = position_directions([*grids[:12]])
    rest = grids[12:] - grids[12:].mean((1, 2), keepdims=True)
    assert positioned(rest - rest @ found.T @ found) < 0.25 * positioned(rest)


def blurred(noise: NDArray[np.floating]) -> NDArray[np.floating]:
    """Soft blots of all sizes, from 0 to 1."""
    spectrum = np.fft.fft2(noise, axes=(0, 1))
    down, across = np.meshgrid(*(np.fft.fftfreq(side) for side in noise.shape[:2]), indexing="ij")
    soft = np.fft.ifft2(spectrum / (0.02 + np.hypot(down, across))[..., None], axes=(0, 1)).real
    return (soft - soft.min()) / np.ptp(soft)


def positioned(fields: NDArray[np.floating]) -> float:
    """The variance that photos share at a place: the mean over pairs of different photos of their products."""
    rows = fields.reshape(len(fields), -1)
    total = rows.sum(0)
    return float((total @ total - (rows * rows).sum()) / (len(rows) * (len(rows) - 1)))


def test_without_position_none_is_found():
    assert len(position_directions(planted(8, 0.0))) == 0
    with pytest.raises(Unsupported, match=NONE):
        panel(drawn(1.0, 16)).similarity(0, (0, 0), "position removed")


def test_the_order_of_photos_changes_no_direction():
    grids = planted(24, 8.0)
    np.testing.assert_allclose(
        np.abs(position_directions(grids) @ position_directions(grids[::-1]).T), np.eye(2), atol=1e-6
    )
