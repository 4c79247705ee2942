"""What is asked of a probe: percentiles, norms, places; and that it is read as it was written."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import drawn, panel

from repscope.analyses._codes import unit
from repscope.errors import UnfitData, Unsupported
from repscope.render.json import from_json, json
from repscope.report import Look, Probe, Report
from repscope.report.probe import SAMPLE


def test_a_percentile_is_among_the_patches_of_other_photos():
    grids = [drawn(1.0, 24, side=6, seed=seed) for seed in range(3)]
    made = panel(*grids)
    values = made.similarity(1, (2, 3))
    others = np.concatenate([made.similarity(1, (2, 3), target=other).ravel() for other in (0, 2)])
    expected = [(others <= value).mean() for value in values.ravel()]
    np.testing.assert_allclose(made.percentile(1, (2, 3), values).ravel(), expected, atol=1e-12)
    assert made.percentile(1, (2, 3), values)[2, 3] == 1
    with pytest.raises(Unsupported, match="two photos"):
        panel(grids[0]).percentile(0, (0, 0), values)


@pytest.mark.parametrize("count", [12, 33])
def test_a_percentile_is_among_patches_of_all_places(count):
    """Every second or fourth patch would be of every second or fourth column: of the left of photos, say."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(-1, 1, 16)[None, :, None] * np.ones((16, 16, 1))
    grids = [np.concatenate([ramp, 0.3 * rng.normal(size=(16, 16, 5))], -1) for _ in range(count)]
    made = panel(*grids)
    places = np.array([place for _, place in made.sampled(0)])
    assert len(places) == SAMPLE
    for side in (places // 16, places % 16):
        counts = np.bincount(side, minlength=16)
        assert counts.min() > 0.8 * counts.mean()
    values = made.similarity(0, (3, 12))
    exact = np.concatenate([unit(grid.reshape(256, -1), "centred", np.zeros((0, 6))) for grid in grids])
    others = np.sort(exact[256:] @ exact[3 * 16 + 12])
    wanted = np.searchsorted(others, values, side="right") / len(others)
    np.testing.assert_allclose(made.percentile(0, (3, 12), values), wanted, atol=0.035)


def test_where_patches_are_too_alike_they_are_not_ranked():
    """Rounding tells equal tokens apart, or others alike."""
    rng = np.random.default_rng(0)
    grids = []
    for _ in range(3):
        grid = np.tile(rng.normal(size=24), (8, 8, 1))
        grid[:4] = rng.normal(size=(4, 8, 24))
        grids.append(grid)
    made = panel(*grids)
    assert made.ranks is not None
    assert made.ranks > 0.2
    assert "too many patches are alike" in made.without_percentile


def test_the_error_of_a_percentile_is_said():
    rng = np.random.default_rng(1)
    grids = [rng.normal(size=(8, 8, 24)) * np.arange(1, 25) ** -0.5 for _ in range(3)]
    made = panel(*grids)
    worst = 0.0
    for kind, photo, patch in product(("raw", "centred"), range(3), range(64)):
        place = divmod(patch, 8)
        exact = [unit(grid.reshape(64, -1), kind, np.zeros((0, 24))) for grid in grids]
        found = made.percentile(photo, place, made.similarity(photo, place, kind), kind).ravel()
        order = np.sort(np.concatenate([rows for i, rows in enumerate(exact) if i != photo]) @ exact[photo][patch])
        wanted = np.searchsorted(order, exact[photo] @ exact[photo][patch], side="right") / len(order)
        worst = max(worst, np.abs(np.delete(found - wanted, patch)).max())
    assert made.ranks is not None
    assert worst <= made.ranks < worst + 0.001
    assert worst > 0
    assert panel(grids[0]).ranks is None


def test_a_percentile_of_many_photos_is_of_some_patches():
    made = panel(*(drawn(1.0, 8, side=30, seed=seed) for seed in range(5)))
    values = np.linspace(-1, 1, 9).reshape(3, 3)
    shares = made.percentile(0, (1, 1), values) * SAMPLE
    assert shares.max() <= SAMPLE
    assert (np.diff(shares.ravel()) >= 0).all()


def test_norms_are_those_of_the_tokens():
    grid = drawn(1.0, 64, mean=2.0)
    np.testing.assert_allclose(panel(grid).norms(0), np.linalg.norm(grid, axis=-1), rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0.5, 1), st.floats(0.5, 1)),
    st.integers(0, 399),
)
def test_the_middle_of_a_patch_is_in_it(grid, frame, place):
    look = Look(grid, frame, 0, b"", b"", b"", b"", b"")
    row, column = place % grid[0], place % grid[1]
    assert look.place(*look.centre(row, column)) == (row, column)
    assert look.place(frame[0] - 0.01, 0.5) is None
    assert look.place(0.5, frame[3] + 0.01) is None


def test_a_probe_is_read_as_it_was_written():
    made = panel(drawn(1.0, 24, side=5), drawn(1.0, 24, side=5, seed=1))
    (block,) = from_json(json(Report("probed", (Probe("here", (), (made,)),)))).blocks
    assert isinstance(block, Probe)
    np.testing.assert_array_equal(block.panels[0].similarity(0, (1, 2)), made.similarity(0, (1, 2)))
    assert block.panels[0].error == made.error


@pytest.mark.parametrize("codes", [b"", b"no zlib", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_damaged_tokens_are_named(codes):
    made = panel(drawn(1.0, 24, side=5))
    damaged = replace(made, looks=(replace(made.looks[0], codes=codes),))
    with pytest.raises(UnfitData, match="damaged"):
        damaged.similarity(0, (1, 2))
