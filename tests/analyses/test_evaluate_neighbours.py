"""Precision and k-NN: as computed naively, as the monitor computes it, with intervals that cover."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from repscope.analyses import _retrieval
from repscope.analyses._ranked import ranked
from repscope.analyses._task import task
from repscope.analyses._voting import knn
from repscope.errors import UnfitData
from repscope.monitor import neighbours
from repscope.statistics import Estimate
from repscope.store import Given


def clusters(n, width=8, classes=4, apart=0.7, seed=0):
    y = np.random.default_rng(seed).integers(0, classes, n)
    centres = np.random.default_rng(99).normal(size=(classes, width)) * apart
    return (np.random.default_rng(seed + 1).normal(size=(n, width)) + centres[y]).astype(np.float32), y


def asked(x, y, **given):
    made = task(Given({"e": x}, labels=list(y), ids=[f"{i:05d}" for i in range(len(x))]), **given)
    return made.vectors("e", None, -1), made


def naive_precision(x, y, k, group=None, keep=None):
    """By a loop over queries, in float64."""
    rows = np.arange(len(x)) if keep is None else np.flatnonzero(keep)
    unit = x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    shares = []
    for i in rows:
        others = [j for j in rows if j != i and (group is None or group[j] != group[i])]
        near = sorted(others, key=lambda j: -(unit[i] @ unit[j]))[:k]
        shares.append(np.mean(y[near] == y[i]))
    return np.mean(shares)


@pytest.mark.parametrize("grouped", [False, True])
def test_precision_is_what_a_loop_gives_and_so_is_each_value_without_a_block(grouped):
    x, y = clusters(60)
    group = np.repeat(np.arange(12), 5) if grouped else None
    v, made = asked(x, y, group=group)
    found = _retrieval.precision(_retrieval.searched(v, made, 5), made, (1, 3, 5))
    for k, estimate in found.items():
        assert isinstance(estimate, Estimate)
        assert estimate.value == pytest.approx(naive_precision(x, y, k, group), abs=1e-9)
        for each in (0, 3, 7):
            expected = naive_precision(x, y, k, group, made.blocks != each)
            assert estimate.left[each] == pytest.approx(expected, abs=1e-6)


def test_a_group_larger_than_the_list_is_searched_again():
    rng = np.random.default_rng(0)
    near = np.ones((400, 6)) + rng.normal(0, 0.01, (400, 6))  # one scene, whose images are each other's nearest
    far = rng.normal(size=(30, 6))
    x = np.concatenate([near, far]).astype(np.float32)
    owners = np.concatenate([np.zeros(400, int), np.arange(1, 31)])
    found = ranked(x, owners, 5)
    assert found.rows.shape[1] < 400
    rows, cosine = found.first(5)
    assert (owners[rows] != owners[:, None]).all()
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    best = np.sort(unit[:400] @ unit[400:].T, 1)[:, ::-1][:, :5]
    assert cosine[:400] == pytest.approx(best, abs=1e-6)


def test_too_few_of_other_groups_is_said():
    x, _ = clusters(20)
    with pytest.raises(UnfitData, match=r"5 neighbours want 5 images of other groups.*some have 3"):
        ranked(x, np.array([0] * 17 + [1, 2, 3]), 5).first(5)


def test_knn_is_what_the_monitor_computes():
    x, y = clusters(300, apart=0.4)
    v, made = asked(x, y)
    bank, queries = made.taught, made.asked
    estimate, _ = knn(v, made)
    expected = neighbours.accuracy(
        torch.from_numpy(v[bank]),
        torch.from_numpy(made.codes[bank]),
        torch.from_numpy(v[queries]),
        torch.from_numpy(made.codes[queries]),
    )
    assert estimate.value == pytest.approx(expected, abs=1e-9)
    assert 0.3 < estimate.value < 1


def test_knn_without_a_block_is_that_of_the_others():
    x, y = clusters(200, apart=0.4)
    v, made = asked(x, y)
    estimate, _ = knn(v, made)
    centred = v - v[made.taught].mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert estimate.left.size == len(
        made.taught
    )  # a block for each training image; a held-out one lies in some of them
    for each in range(len(estimate.left)):
        bank = made.taught[made.blocks[made.taught] != each]
        queries = made.asked[made.blocks[made.asked] != each]
        right = []
        for row in queries:
            cosine = unit[bank] @ unit[row]
            near = np.argsort(-cosine)[:20]
            votes = np.bincount(made.codes[bank][near], np.exp(cosine[near] / 0.07))
            right.append(votes.argmax() == made.codes[row])
        assert estimate.left[each] == pytest.approx(np.mean(right), abs=1e-6)


def test_chance_is_the_mean_over_all_ways_to_deal_labels():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 4)).astype(np.float32), np.repeat([0, 1, 2], [5, 10, 15])
    v, made = asked(x, y)
    draws = []
    for seed in range(400):
        _, dealt = asked(x, np.random.default_rng(seed).permutation(y))
        draws.append(_retrieval.precision(_retrieval.searched(v, dealt, 3), dealt, (3,))[3].scored.scores.mean())
    assert _retrieval.chance(made).mean == pytest.approx((5 * 4 + 10 * 9 + 15 * 14) / (30 * 29))
    assert _retrieval.chance(made).mean == pytest.approx(np.mean(draws), abs=4 * np.std(draws) / 20)


def test_chance_knows_groups():
    x, y = clusters(12)
    y, group = np.array([0] * 6 + [1] * 6), np.repeat(np.arange(4), 3)
    _, made = asked(x, y, group=group)
    assert _retrieval.chance(made).mean == pytest.approx(3 / 9)  # of 9 in other groups, 3 are of its class


def test_a_class_of_one_image_is_found_but_does_not_ask():
    x = np.eye(4)[[0, 0, 1, 1, 2]].astype(np.float32) + 0.01
    v, made = asked(x, ["a", "a", "b", "b", "alone"])
    estimate = _retrieval.precision(_retrieval.searched(v, made, 1), made, (1,))[1]
    assert estimate.value == 1
    assert len(estimate.scored.scores) == 4


@pytest.mark.parametrize("apart", [0.0, 0.5])
def test_intervals_cover_where_queries_alone_do_not_and_a_plain_jackknife_is_too_wide(apart):
    """The same sets many times over: how far precision moves, and what each error says of that."""
    found = []
    for seed in range(60):
        x, y = clusters(200, apart=apart, seed=10 * seed)
        v, made = asked(x, y, seed=seed)
        estimate = _retrieval.precision(_retrieval.searched(v, made, 5), made, (5,))[5]
        errors = estimate.error, estimate.scored.alone**0.5, replace(estimate, scored=None).error
        found.append((estimate.value, *errors, *estimate.interval()))
    value, error, alone, plain, low, high = np.array(found).T
    error, alone, plain = (np.sqrt(np.square(each).mean()) for each in (error, alone, plain))
    moved = value.std(ddof=1)
    assert ((low <= value.mean()) & (value.mean() <= high)).mean() >= 0.9
    assert 0.85 * moved < error < 1.35 * moved
    assert alone < 0.85 * moved
    assert plain > 1.15 * error


def test_paired_differences_of_equals_leave_out_nothing_more_often_than_they_should():
    """Two encoders that see the same classes through noise of one strength: one in twenty is told apart."""
    told = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 4, 150)
        centres = np.random.default_rng(1).normal(size=(4, 8)) * 0.5
        found = []
        for _ in range(2):
            v, made = asked((centres[y] + rng.normal(size=(150, 8))).astype(np.float32), y, seed=seed)
            found.append(_retrieval.precision(_retrieval.searched(v, made, 5), made, (5,))[5])
        low, high = found[0].minus(found[1]).interval()
        told.append((not low <= 0 <= high, found[0].value - found[1].value, found[0].minus(found[1]).error))
    apart, difference, error = np.array(told).T
    assert apart.mean() <= 0.1
    assert 0.85 < np.sqrt(np.square(error).mean()) / difference.std(ddof=1) < 1.35
