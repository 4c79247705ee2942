"""The probe's tokens: cosines as in float32 to .02, small enough for a page."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from panels import BOUND, drawn, on_the_page, panel, seen, within

import repscope
from repscope.analyses._codes import BYTES, coded, unit
from repscope.analyses._position import position_directions
from repscope.encoders import available
from repscope.encoders.transformer import Transformer
from repscope.encoders.vit import ViT
from repscope.errors import Unsupported
from repscope.images import gather
from repscope.report.probe import KINDS


@pytest.mark.parametrize("width", [192, 768, 1280])
@pytest.mark.parametrize("decay", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("mean", [0.0, 3.0])
def test_one_photo_is_within_the_bound_and_small_whatever_its_spectrum(width, decay, mean):
    grid = drawn(decay, width, mean=mean)
    made = panel(grid)
    error = max(within(made, 0, grid, kind, np.zeros((0, width))) for kind in ("raw", "centred"))
    assert error <= BOUND
    assert error - 1e-6 <= made.error < error + 0.001  # rounded up, never down
    assert on_the_page(made.looks[0]) <= 60_000


@pytest.mark.parametrize("decay", [0.0, 1.0, 2.0])
def test_several_photos_share_what_their_bytes_allow(decay):
    grids = [drawn(decay, 768, seed=seed, mean=1.0) for seed in range(3)]
    made = panel(*grids)
    assert max(within(made, 1, grids[1], kind, np.zeros((0, 768))) for kind in ("raw", "centred")) <= BOUND
    assert all(on_the_page(look) <= 60_000 for look in made.looks)
    exact = [unit(grid.reshape(256, -1), "centred", np.zeros((0, 768))) for grid in grids]
    errors = [
        np.abs(made.similarity(i, (3, 4), "centred", j).ravel() - exact[j] @ exact[i][52]).max()
        for i, j in ((0, 1), (1, 2), (2, 0))
    ]
    assert made.across is not None
    assert max(errors) <= made.across + 1e-6
    if decay == 2:  # flatter spectra of 768 dimensions do not go into 60 kB: then the loss is said
        assert made.across <= BOUND


def test_outlying_tokens_cost_the_others_nothing():
    grid = drawn(1.0, 384)
    grid[2, 3] *= 100
    grid[9, 9] *= 40
    assert max(within(panel(grid), 0, grid, kind, np.zeros((0, 384))) for kind in ("raw", "centred")) <= BOUND


def odd(name: str) -> NDArray[np.floating]:
    rng = np.random.default_rng(0)
    grid, mean = rng.normal(size=(16, 16, 64)), rng.normal(size=64) * 5
    if name == "zero tokens":
        grid[0, 0] = grid[5, 5] = 0
    elif name == "short tokens beside a mean":
        grid += mean
        grid[0, 0], grid[1, 1] = 0, 1e-6 * rng.normal(size=64)
    elif name == "half of them alike":
        grid[:, :8] = grid[:, :8] * 1e-4 + mean
    elif name == "duplicates":
        grid[3] = grid[2]
    elif name == "of one rank":
        grid = grid[..., :1] * mean
    elif name == "one row":
        grid = grid[:1]
    elif name == "not square":
        grid = grid[:9, :13]
    return grid


ODD = (
    *("zero tokens", "short tokens beside a mean", "half of them alike"),
    *("duplicates", "of one rank", "one row", "not square"),
)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_odd_tokens_are_within_the_bound(name, scale):
    grid = scale * odd(name)
    none = np.zeros((0, 64))
    assert max(within(panel(grid), 0, grid, kind, none) for kind in ("raw", "centred")) <= BOUND
    assert panel(grid, grid[::-1]).across <= BOUND


@pytest.mark.parametrize("name", [name for name in available() if name.startswith("tiny-")])
def test_embedded_encoders_are_within_the_bound(name):
    photos, _ = gather()
    (tokens,) = repscope.load(name)(photos)
    made = panel(*tokens.patches)
    none = np.zeros((0, tokens.width))
    for i, grid in enumerate(tokens.patches):
        assert max(within(made, i, grid, kind, none) for kind in ("raw", "centred")) <= BOUND
        assert on_the_page(made.looks[i]) <= BYTES * 256
    assert made.across is not None
    assert made.across <= BOUND


@pytest.mark.parametrize("rank", [3, 20, 38])
def test_axes_stay_orthonormal_where_directions_are_empty(rank):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(40, 40)))[0]
    grids = [rng.normal(size=(6, 6, rank)) @ basis[2 : 2 + rank] for _ in range(3)]
    made = coded("one", [seen(grid) for grid in grids], basis[:2], without_position="")
    assert made.error <= BOUND
    assert made.across is not None
    assert made.across <= BOUND
    assert all(look.width <= 40 for look in made.looks)


@pytest.mark.parametrize("name", ["eupe-vit-b16", "dinov2-vit-l14", "vjepa2-vitl-img16-256", "ijepa-vit-h14"])
def test_full_size_encoders_are_within_the_bound(name):
    """Published shapes with random weights; what real weights do to tokens is in the tests of odd ones."""
    torch.manual_seed(0)
    contract = available()[name]
    (tokens,) = Transformer(contract, ViT(contract.architecture).eval(), str)(gather()[0][:1])
    grid = tokens.patches[0]
    made = panel(grid)
    assert grid.shape == (16, 16, contract.architecture.width)
    found = max(within(made, 0, grid, kind, np.zeros((0, tokens.width))) for kind in ("raw", "centred"))
    assert found <= BOUND
    assert found - 1e-6 <= made.error < found + 0.001
    assert on_the_page(made.looks[0]) <= BYTES * 256


def test_errors_between_photos_are_of_every_pair():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(768, 768)))[0]
    parts = [rng.normal(size=(256, 300)) @ turn[i * 300 : (i + 1) * 300] for i in (0, 1)]
    near = [(part + 0.05 * rng.normal(size=part.shape)).reshape(16, 16, 768) for part in (*parts, *parts)]
    made = panel(*near)
    none = np.zeros((0, 768))
    exact = [unit(grid.reshape(256, -1), "centred", none) for grid in near]
    shared = [made.unit(i, "centred")[:, : made.shared] for i in range(4)]
    worst = max(np.abs(shared[i] @ shared[j].T - exact[i] @ exact[j].T).max() for i in range(4) for j in range(i))
    assert made.across is not None
    assert made.across >= worst - 1e-5
    assert "too much to rank" in made.without_percentile
    with pytest.raises(Unsupported, match="too much to rank"):
        made.percentile(0, (0, 0), np.zeros((2, 2)))


def test_bytes_end_also_where_position_is_removed_from_noise():
    rng = np.random.default_rng(0)
    down, across = np.mgrid[0:1:16j, 0:1:16j]
    place = np.cos(3 * down)[..., None] * rng.normal(size=1024) + np.sin(2 * across)[..., None] * rng.normal(size=1024)
    grids = [place + rng.normal(size=(16, 16, 1024)) for _ in range(8)]
    found = position_directions(grids)
    assert len(found) > 0
    made = coded("one", [seen(grid) for grid in grids], found, without_position="")
    assert max(on_the_page(look) for look in made.looks) <= 60_000
    kinds = {kind: within(made, 0, grids[0], kind, found) for kind in KINDS}
    assert max(kinds.values()) <= made.error <= 0.05


def test_a_mean_in_common_is_seen_between_photos_of_noise():
    grids = [np.random.default_rng(seed).normal(size=(16, 16, 1024)) + 1 for seed in range(3)]
    made = panel(*grids)
    exact = [unit(grid.reshape(256, -1), "raw", np.zeros((0, 1024))) for grid in grids]
    found = made.similarity(0, (0, 0), "raw", target=1).ravel()
    assert abs(found.mean() - (exact[1] @ exact[0][0]).mean()) < 0.05
    assert made.across is not None
    assert np.abs(found - exact[1] @ exact[0][0]).max() <= made.across
