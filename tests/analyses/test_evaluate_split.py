"""Splits: every class and whole groups on one side, whatever the order; what cannot be is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.analyses._copies import copies
from repscope.analyses._split import SHARE, held_out
from repscope.analyses._task import task
from repscope.errors import UnfitData, WrongUsage
from repscope.images import Photo
from repscope.store import Given


def of(labels, **given):
    x = np.random.default_rng(0).normal(size=(len(labels), 3))
    return task(Given({"e": x}, labels=list(labels), ids=[f"{i:04d}" for i in range(len(labels))]), **given)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=120), st.integers(0, 5))
def test_a_fifth_of_every_class_is_held_out(codes, seed):
    codes = np.array(codes)
    held = held_out(codes, seed=seed)
    for code in np.unique(codes):
        here = held[codes == code]
        assert here.sum() == (0 if len(here) == 1 else min(max(round(SHARE * len(here)), 1), len(here) - 1))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 15)), min_size=2, max_size=150), st.integers(0, 5))
@settings(deadline=None)
def test_no_group_is_on_both_sides_and_no_class_loses_all(pairs, seed):
    codes, groups = np.array(pairs).T
    held = held_out(codes, groups, seed)
    assert not set(groups[held]) & set(groups[~held])
    assert set(codes) == set(codes[~held])
    assert held.mean() <= 0.6


def test_many_small_groups_give_a_fifth_of_every_class():
    codes, groups = np.arange(1000) % 5, np.arange(1000) // 7
    held = held_out(codes, groups)
    assert np.bincount(codes[held]) == pytest.approx(np.full(5, 40), abs=3)


def test_one_large_group_is_not_held_out():
    groups = np.array([0] * 60 + list(range(1, 41)))
    held = held_out(np.arange(100) % 2, groups)
    assert not held[:60].any()
    assert 15 <= held.sum() <= 25


def test_the_order_of_images_changes_nothing():
    labels = np.array(list("abcab" * 12))
    ids = np.array([f"{i:04d}" for i in range(60)])
    order = np.random.default_rng(0).permutation(60)
    x = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32)
    one = task(Given({"e": x}, labels=list(labels), ids=list(ids)))
    other = task(Given({"e": x[order]}, labels=list(labels[order]), ids=list(ids[order])))
    assert (one.ids == other.ids).all()
    for what in ("codes", "train", "blocks"):
        assert (getattr(one, what) == getattr(other, what)).all()
    assert (one.vectors("e", None, -1) == other.vectors("e", None, -1)).all()
    assert (order[other.places] == one.places).all()


def test_a_mask_says_what_is_learnt_from():
    mask = np.arange(20) < 5
    made = of("ab" * 10, train=mask)
    assert (made.train == mask).all()
    assert made.asked.tolist() == list(range(5, 20))


@pytest.mark.parametrize("mask", [np.ones(20, bool), np.zeros(20, bool), np.ones(19, bool), np.ones(20)])
def test_a_mask_that_cannot_be_is_refused(mask):
    with pytest.raises(UnfitData, match="train"):
        of("ab" * 10, train=mask)


def test_a_mask_that_parts_a_group_is_refused():
    with pytest.raises(WrongUsage, match="parts 1 of the groups"):
        of("ab" * 10, train=np.arange(20) < 5, group=np.arange(20) // 2)


@pytest.mark.parametrize("group", [["a"] * 19, [None] * 20])
def test_groups_that_cannot_be_are_refused(group):
    with pytest.raises(UnfitData, match="group"):
        of("ab" * 10, group=group)


def test_another_set_is_learnt_from_and_not_asked():
    x = np.random.default_rng(0).normal(size=(12, 3))
    made = task(Given({"e": x}, labels=list("abc" * 4)), train=Given({"e": x[:9] + 1}, labels=list("abc" * 3)))
    assert len(made.taught) == 9
    assert len(made.asked) == len(made.labelled) == 12
    assert not made.own[made.taught].any()
    with pytest.raises(UnfitData, match="different width"):
        task(Given({"e": x}, labels=list("abc" * 4)), train=Given({"e": x[:, :2]}, labels=list("abc" * 4))).vectors(
            "e", None, -1
        )


def test_what_is_left_out_is_said():
    made = of([*"aabbb" * 6, None, None, "alone"])
    assert made.labelled.size == 31
    assert any("2 of 33 images have no label" in note for note in made.notes)
    assert any("alone: one image" in note for note in made.notes)
    unknown = task(
        Given({"e": np.ones((4, 2))}, labels=["a", "b", "new", "new"]),
        train=Given({"e": np.ones((4, 2))}, labels=["a", "a", "b", "b"]),
    )
    assert any("new: nothing to learn from" in note for note in unknown.notes)


@pytest.mark.parametrize(
    ("labels", "said"),
    [([None] * 6, "No image of arrays has a label"), (["a"] * 6, "of one class"), (list("abcdef"), "one image")],
)
def test_labels_that_tell_nothing_are_said_not_raised(labels, said):
    made = of(labels)
    assert said in made.unlabelled
    assert not made.train.any()


def test_copies_across_the_split_are_found_by_their_bytes():
    pixels = np.zeros((8, 8, 3), np.uint8)
    digests = [f"{i:02d}" for i in range(20)]
    digests[15], digests[16], digests[1] = digests[2], digests[3], digests[0]
    photos = [Photo(f"{i:02d}", pixels, sha256=digest) for i, digest in enumerate(digests)]
    given = Given({"e": np.random.default_rng(0).normal(size=(20, 3))}, labels=list("ab" * 10), photos=photos)
    split, among = copies(task(given, train=np.arange(20) < 10))
    assert split.text.startswith("2 held-out images of 10 are the same file as one that was learnt from: 15 and 02")
    assert among.text.startswith("3 images of 20 are the same file")
    assert split.kind == among.kind == "warning"
    assert copies(of("ab" * 10)) == []  # arrays have no bytes
