"""duplicates: planted copies are found, groups are components, leaks cross the split, memory is bounded."""

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from repscope.analyses import _twins
from repscope.analyses._twins import Nears, Scatter, twins
from repscope.analyses.duplicates import duplicates
from repscope.errors import UnfitData, UnfitTokens, WrongUsage
from repscope.render.html import html
from repscope.render.text import text
from repscope.report import Gallery
from repscope.store import Given
from sets import block_of, cell, complete, picture, shuffled

N = 120


def planted(photos: bool = True) -> Given:
    """Image 100 + k is nearly image k, for k under 6; 110 is image 10 byte for byte."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 12))
    for k in range(6):
        x[100 + k] = x[k] + 0.02 * rng.normal(size=12)
    x[110] = x[10]
    shown = [picture(i, sha256=picture(10).sha256 if i == 110 else None) for i in range(N)]
    return Given({"one": x}, photos=shown) if photos else Given({"one": x}, ids=[p.id for p in shown])


def test_planted_copies_are_found_and_nothing_else():
    report = duplicates(planted())
    assert cell(report, "Duplicates", "copies byte for byte", "count").value == 1
    assert cell(report, "Duplicates", "groups", "count").value == 7
    assert cell(report, "Duplicates", "images with a near-duplicate", "count").null.mean == pytest.approx(0.12)
    assert cell(report, "Duplicates", "pairs", "count").value == 7
    assert cell(report, "Duplicates", "images with a near-duplicate", "count").value == 14
    groups = {row[1] for row in block_of(report, "Groups").rows}
    assert groups == {f"image {k:03d}, image {100 + k:03d}" for k in (0, 1, 2, 3, 4, 5, 10)}
    assert "image 010" in block_of(report, "Copies byte for byte").pictures[0].caption
    assert not any("image 110" in each.caption for each in block_of(report, "Near-duplicates, the surest").pictures)
    assert complete(report) == []
    assert text(report)
    assert html(report)


def test_the_order_of_images_changes_nothing():
    order = np.random.default_rng(5).permutation(N)
    one, other = (duplicates(each) for each in (planted(photos=False), shuffled(planted(photos=False), order)))
    pairs = [{frozenset(row[1].split(", ")) for row in block_of(each, "Groups").rows} for each in (one, other)]
    assert pairs[0] == pairs[1]
    a, b = (cell(each, "Duplicates", "threshold", "count").value for each in (one, other))
    assert a == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize("block", [1 << 22, 1000, 1])
@pytest.mark.parametrize("centred", [False, True])
def test_groups_are_the_components_of_the_whole_matrix(block, centred, monkeypatch):
    monkeypatch.setattr(_twins, "BLOCK", block)
    x = np.random.default_rng(1).normal(size=(150, 4)) + 1
    found = twins(x, Nears.of(x, centred), 0.95, centred)
    unit = x - x.mean(0) if centred else x
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    near = (unit @ unit.T >= 0.95) & ~np.eye(150, dtype=bool)
    assert found.pairs == near.sum() // 2
    label = connected_components(coo_matrix(near), directed=False)[1]
    known = {frozenset(np.flatnonzero(label == k).tolist()) for k in range(label.max() + 1)}
    assert {frozenset(group.tolist()) for group in found.groups()} == {each for each in known if len(each) > 1}
    assert [len(group) for group in found.groups()] == sorted((len(e) for e in known if len(e) > 1), reverse=True)


def test_a_chain_is_one_group():
    angles = np.arange(12) * 0.1
    x = np.stack([np.cos(angles), np.sin(angles)], 1)
    found = twins(x, Nears.of(x, False), np.cos(0.1) - 1e-4, False)
    assert [group.tolist() for group in found.groups()] == [list(range(12))]
    assert found.pairs == 11


def test_leaks_are_counted_on_both_sides():
    split = ["train"] * 100 + ["test"] * 20
    split[5], split[11] = None, None
    report = duplicates(planted(), split=split)
    assert cell(report, "Leaks", "test, found in train", "near-duplicate").value == 6
    assert cell(report, "Leaks", "train, found in test", "near-duplicate").value == 6
    assert cell(report, "Leaks", "test, found in train", "byte for byte").value == 1
    assert cell(report, "Leaks", "test, found in train", "near-duplicate").n == 20
    assert cell(report, "Leaks", "train, found in test", "near-duplicate").n == 98
    shown = [each.caption for each in block_of(report, "Across the split").pictures]
    assert len(shown) == 8
    assert all("(train)" in a and "(test)" in b for a, b in zip(shown[::2], shown[1::2], strict=True))
    assert not any("image 110" in caption or "image 005" in caption for caption in shown)


def test_two_sets_are_two_parts():
    x, photos = planted().embedding("one"), [planted().photo(i) for i in range(N)]
    train = Given({"one": x[:100]}, photos=photos[:100], name="train")
    test = Given({"one": x[100:]}, photos=photos[100:], name="test")
    report = duplicates(train, against=test)
    assert cell(report, "Leaks", "test, found in train", "near-duplicate").value == 7
    assert cell(report, "Leaks", "train, found in test", "byte for byte").value == 1
    whole = duplicates(planted(), split=["train"] * 100 + ["test"] * 20)
    assert block_of(report, "Groups").rows == block_of(whole, "Groups").rows
    again = duplicates(train, against=train)
    assert cell(again, "Leaks", "train (first), found in train (second)", "byte for byte").value == 100
    with pytest.raises(WrongUsage, match="one of both"):
        duplicates(train, against=test, split=["a"] * 100)


def test_the_curve_counts_at_other_thresholds():
    report = duplicates(planted(), threshold=0.9)
    line = block_of(report, "Images with a near-duplicate, by threshold").lines[0]
    images = planted().embedding("one")
    x = images - images.mean(0)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    cosine = x @ x.T - 2 * np.eye(N)
    for at, height in zip(line.x, line.y, strict=True):
        assert height == pytest.approx((cosine.max(1) >= at).sum(), abs=1)
    assert list(line.y) == sorted(line.y, reverse=True)
    assert 0.9 in line.x


@pytest.mark.parametrize("d", [6, 20])
def test_accidents_are_as_many_as_foretold(d):
    for chance in (0.001, 0.01, 0.1):
        found = []
        for seed in range(12):
            nears = Nears.of(np.random.default_rng(seed).normal(size=(500, d)), True)
            scatter = Scatter.of(nears)
            edge = scatter.threshold(chance)
            assert scatter.chance(edge) == pytest.approx(chance)
            found.append((nears.cosine[:, 0] >= edge).mean())
        assert chance / 4 - 0.0004 < np.mean(found) < 2 * chance


def test_clusters_are_no_duplicates():
    found = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = 2 * rng.normal(size=(10, 12))[rng.integers(0, 10, 500)] + rng.normal(size=(500, 12)) * rng.uniform(
            0.2, 1, (500, 1)
        )
        found.append((Nears.of(x, True).cosine[:, 0] >= Scatter.of(Nears.of(x, True)).threshold()).mean())
    assert np.mean(found) <= 0.001


def test_the_rule_withstands_a_twin_of_every_image():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 20))
    both = np.concatenate([x, x + 0.02 * rng.normal(size=x.shape)])
    nears = Nears.of(both, True)
    assert sorted(map(len, twins(both, nears, Scatter.of(nears).threshold(), True).groups())) == [2] * 300


def test_without_photos_there_are_numbers_and_a_note():
    report = duplicates(planted(photos=False))
    assert not [block for block in report.blocks if isinstance(block, Gallery)]
    said = [getattr(block, "text", "") for block in report.blocks]
    assert any("cannot be shown" in each for each in said)
    assert any("bytes of the images are not known" in each for each in said)


def test_mistakes_are_told():
    with pytest.raises(UnfitTokens, match="same embedding"):
        duplicates(Given({"flat": np.ones((40, 3))}))
    with pytest.raises(UnfitData, match="part for each of 120 images; got 3"):
        duplicates(planted(), split=["a", "b", "c"])
    with pytest.raises(WrongUsage, match="cosine"):
        duplicates(planted(), threshold=1.5)
    with pytest.raises(UnfitData, match="two images"):
        duplicates(Given({"one": np.ones((1, 3))}))
    few = Given({"one": np.random.default_rng(0).normal(size=(8, 3))})
    with pytest.raises(UnfitData, match="20 images"):
        duplicates(few)
    assert duplicates(few, threshold=0.99)
    with pytest.raises(UnfitData, match="not one encoder"):
        duplicates(few, against=Given({"one": np.ones((8, 4))}))
