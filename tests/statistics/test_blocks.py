"""Blocks: of equal size, groups whole, whatever the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repscope.statistics import blocks
from repscope.statistics.blocks import MOST


@given(st.integers(2, 500), st.integers(0, 9))
def test_blocks_are_of_nearly_equal_size(n, seed):
    sizes = np.bincount(blocks([f"{i}" for i in range(n)], seed=seed))
    assert len(sizes) == min(n, MOST)
    assert sizes.max() - sizes.min() <= 1


@given(st.lists(st.integers(0, 12), min_size=2, max_size=80), st.randoms())
def test_groups_stay_whole_and_the_order_of_images_changes_nothing(groups, random):
    ids = [f"image {i}" for i in range(len(groups))]
    names = [f"patient {g}" for g in groups]
    found = dict(zip(ids, blocks(ids, names), strict=True))
    for name in set(names):
        assert len({found[i] for i, n in zip(ids, names, strict=True) if n == name}) == 1
    assert len(set(found.values())) == len(set(names))  # fewer than blocks: each is one
    order = list(range(len(ids)))
    random.shuffle(order)
    again = blocks([ids[i] for i in order], [names[i] for i in order])
    assert again.tolist() == [found[ids[i]] for i in order]


def test_each_side_is_dealt_over_all_blocks():
    side = np.arange(1000) < 400
    found = blocks([str(i) for i in range(1000)], sides=list(side))
    assert (np.bincount(found[side]) == 2).all()
    assert (np.bincount(found[~side]) == 3).all()


def test_large_groups_are_spread():
    sizes = [300, *[1] * 300]
    groups = np.repeat(np.arange(len(sizes)), sizes).astype(str)
    found = np.bincount(blocks([str(i) for i in range(600)], list(groups)))
    assert found.max() == 300
    assert np.sort(found)[-2] == pytest.approx(2, abs=1)


def test_another_seed_deals_anew():
    ids = [str(i) for i in range(400)]
    assert (blocks(ids, seed=0) != blocks(ids, seed=1)).any()
