"""Estimates: exact for a mean, honest for neighbours, paired for two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repscope.statistics import Estimate, Scored


def of_mean(x, block, owners=None):
    scored = Scored(x, block, np.arange(len(x)) if owners is None else owners, np.zeros((len(x), 0)))
    return Estimate.of(scored, np.bincount(block).astype(float))


def plain(value, x, block):
    """A mean whose scores are not known: only the values without each block."""
    left = np.array([x[block != each].mean() for each in range(block.max() + 1)])
    return Estimate(value, left, np.bincount(block).astype(float), len(x))


@given(st.integers(2, 30), st.integers(0, 99))
def test_leaving_out_single_images_gives_the_textbook_error_of_a_mean(n, seed):
    x = np.random.default_rng(seed).normal(size=n)
    assert plain(x.mean(), x, np.arange(n)).error == pytest.approx(x.std(ddof=1) / np.sqrt(n))
    assert of_mean(x, np.arange(n)).error == pytest.approx(x.std(ddof=1) / np.sqrt(n))


def test_a_large_block_counts_as_a_whole():
    # images alike within blocks: the error is that of so many draws of unequal weight
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 8, 400)
    block = np.repeat(np.arange(400), sizes)
    errors = []
    for seed in range(40):
        each = np.random.default_rng(seed).normal(size=400)
        x = each[block]
        errors.append((x.mean(), plain(x.mean(), x, block).error))
    means, found = np.array(errors).T
    exact = np.sqrt(np.square(sizes).sum()) / sizes.sum()
    assert np.sqrt(np.square(found).mean()) == pytest.approx(exact, rel=0.1)
    assert means.std() == pytest.approx(exact, rel=0.3)
    assert exact > 1.1 / np.sqrt(400)


def test_images_of_one_group_are_not_taken_for_several():
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(50), 8)
    x = rng.random(50)[group]
    apart = of_mean(x, group % 10).error
    together = of_mean(x, group % 10, owners=group).error
    assert together == pytest.approx(x[::8].std(ddof=1) / np.sqrt(50))
    assert apart < together / 2


@pytest.mark.parametrize(("value", "low"), [(1.0, 0.9), (0.0, -1)])
def test_a_perfect_share_is_not_sure(value, low):
    ends = of_mean(np.full(40, value), np.arange(40)).interval()
    assert ends is not None
    assert ends[1] - ends[0] > 0.08
    assert low < ends[0] <= value <= ends[1] <= 1


def test_a_share_has_wilsons_interval():
    right = np.arange(100) < 50
    ends = of_mean(right.astype(float), np.arange(100) % 50).interval()
    assert ends == pytest.approx((0.404, 0.596), abs=0.003)  # t over 50 blocks instead of z


def test_a_difference_is_paired():
    rng = np.random.default_rng(2)
    hard = rng.random(300)
    a, b = (hard + rng.normal(0, 0.01, 300) for _ in range(2))
    one, other = (of_mean(x, np.arange(300) % 60) for x in (a, b))
    found = one.minus(other)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert found.error == pytest.approx((a - b).std(ddof=1) / np.sqrt(300), rel=1e-6)
    assert found.error < one.error / 10
    assert other.minus(one).interval() == pytest.approx(tuple(-end for end in found.interval())[::-1])
    assert one.minus(one).interval() == (0, 0)


def test_a_ratio_is_paired():
    rng = np.random.default_rng(3)
    b = rng.random(400) + 1
    a = 0.7 * b + rng.normal(0, 0.001, 400)
    found = of_mean(a, np.arange(400) % 80).over(of_mean(b, np.arange(400) % 80))
    low, high = found.interval()
    assert low < 0.7 < high
    assert high - low < 0.001


def test_draws_add_their_spread():
    x, block = np.random.default_rng(4).random(200), np.arange(200) % 50
    scored = Scored(x, block, np.arange(200), np.zeros((200, 0)))
    draws = np.random.default_rng(5).normal(0.5, 0.3, 25)
    still, drawn = of_mean(x, block), Estimate.of(scored, np.full(50, 4.0), draws)
    assert drawn.error**2 == pytest.approx(still.error**2 + draws.var(ddof=1) / 25)


@pytest.mark.parametrize("left", [[0.5], [0.5, np.nan]])
def test_no_error_where_something_is_missing(left):
    found = Estimate(0.5, np.array(left), np.ones(len(left)), 2)
    assert found.error is None
    assert found.interval() is None


def test_blocks_without_images_do_not_count():
    x = np.random.default_rng(6).normal(size=40)
    block = np.arange(40) % 8
    known = plain(x.mean(), x, block)
    padded = Estimate(known.value, np.append(known.left, known.value), np.append(known.sizes, 0), 40)
    assert padded.error == pytest.approx(known.error)


def test_changes_that_scores_make_one_by_one_are_taken_away_and_common_ones_are_not():
    rng = np.random.default_rng(7)
    n, count = 500, 100
    x, block = (rng.random(n) < 0.5).astype(float), np.arange(n) % count
    single = rng.normal(0, 0.3, (n, count))
    common = np.broadcast_to(rng.normal(0, 0.01, count), (n, count)).copy()
    alone = of_mean(x, block).error

    def error(changes):
        return Estimate.of(Scored(x, block, np.arange(n), changes), np.bincount(block).astype(float)).error

    assert error(single) == pytest.approx(alone, rel=0.5)
    expected = np.sqrt(alone**2 + (count - 1) * common[0].var())
    assert error(common) == pytest.approx(expected, rel=0.25)
    assert error(common) > 2 * alone
