"""Precision at k, and equal rows."""

import numpy as np
import pytest

from repscope.errors import UnfitData
from repscope.nearest import first_of_each, nearest, precision_at
from repscope.nearest.identical import identical


def test_precision_is_the_share_of_neighbours_of_ones_own_class():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 120)
    x = np.eye(3)[labels] + 0.4 * rng.normal(size=(120, 3))
    rows = nearest(x, 8).rows
    shares = precision_at(5, rows, labels)
    known = [np.mean([labels[j] == labels[i] for j in rows[i, :5]]) for i in range(120)]
    assert shares.tolist() == pytest.approx(known)
    assert shares.mean() > 0.6 > precision_at(5, rows, rng.permutation(labels)).mean()


def test_precision_of_queries_with_labels_of_their_own():
    bank, queries = np.eye(4), np.eye(4)[[2, 0]]
    rows = nearest(bank, 1, queries).rows
    assert precision_at(1, rows, np.array(list("abcd")), np.array(["c", "b"])).tolist() == [1, 0]


def test_precision_refuses_what_does_not_fit():
    rows = np.array([[1, 2], [0, 2], [0, 1]])
    with pytest.raises(UnfitData, match="3 nearest rows of each query or more; got 2"):
        precision_at(3, rows, np.arange(3))
    with pytest.raises(UnfitData, match="4 labels for 3 queries"):
        precision_at(2, rows, np.arange(4))


def test_equal_rows_are_those_of_numpy():
    x = np.random.default_rng(0).integers(-1, 2, size=(200, 3)) * np.float32(-1.0)
    _, first, count = np.unique(x, axis=0, return_index=True, return_counts=True)
    assert first_of_each(x).tolist() == sorted(first.tolist())
    groups = identical(x)
    assert sorted(np.diff(groups.begin).tolist()) == sorted(count.tolist())
    for group in range(len(groups.first)):
        places = groups.of(group, 200)
        assert (x[places] == x[groups.first[group]]).all()
        assert places.tolist() == sorted(places.tolist())
        assert groups.of(group, 2).tolist() == places[:2].tolist()
