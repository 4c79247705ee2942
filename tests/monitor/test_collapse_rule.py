"""When a run is called collapsed: exact readings, healthy dips, and the sentence that says so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repscope.monitor.collapse import FIRST, PATIENCE, judged


def run(isotropy=None, rank=None, variance=None) -> list:
    """Observations 10 steps apart, of these readings; None is one that is missing, variance where it is given."""
    count = len(isotropy or rank or variance)
    columns = {
        "isotropy": isotropy or [0.5] * count,
        "effective_rank": rank or [20.0] * count,
        "variance": variance or [None] * count,
    }
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [
        (10 * place, {name: x for name, x in readings.items() if x is not None}) for place, readings in enumerate(rows)
    ]


def test_variance_that_has_gone_is_complete():
    found = judged(run(isotropy=[0.4, 0.5, 0.3, 0.1, 0.004, 0.003, 0.002]))
    assert found is not None
    assert (found.kind, found.step, found.since, found.reading) == ("complete", 60, 40, "isotropy")
    assert (found.was, found.now) == (0.5, 0.002)
    assert str(found) == "complete collapse since step 40: isotropy fell from 0.5 to 0.002"


def test_rank_that_has_gone_is_dimensional():
    found = judged(run(rank=[8.0, 6.0, 4.0, 1.9, 1.9, 1.9]))
    assert found is not None
    assert (found.kind, found.since, found.was, found.now) == ("dimensional", 30, 8.0, 1.9)
    assert judged(run(rank=[8.0, 6.0, 4.0, 2.1, 2.1, 2.1])) is None  # 8 ** (1/3) is 2


def test_a_dip_is_no_collapse_until_it_lasts():
    dip = [8.0, 6.0, 1.5, 1.5, 3.0, 1.5, 1.5]
    assert judged(run(rank=dip)) is None
    assert judged(run(rank=[*dip, 1.5])) is not None


def test_recovery_ends_the_call():
    assert judged(run(rank=[8.0, 1.2, 1.2, 1.2])) is not None
    assert judged(run(rank=[8.0, 1.2, 1.2, 1.2, 5.0])) is None


def test_a_collapse_within_the_first_readings_is_judged_against_the_first():
    found = judged(run(isotropy=[0.5, 1e-4, 1e-4, 1e-4]))
    assert found is not None
    assert (found.since, found.was) == (10, 0.5)


def test_what_came_later_is_not_what_a_run_is_judged_against():
    assert judged(run(rank=[3.0, 3.0, 3.0, 90.0, 3.0, 3.0, 3.0])) is None


def test_a_run_that_starts_with_nothing_is_called():
    found = judged(run(isotropy=[0.0, 1e-16, -1e-16], rank=[None] * 3))
    assert found is not None
    assert found.kind == "complete"


def test_without_a_rank_only_variance_judges():
    assert judged(run(rank=[8.0, None, None, None])) is None


GONE = [0.5, 0.4, 0.004, 0.003, 0.002]


def test_a_mean_that_grows_beside_a_cloud_as_it_was_is_no_collapse():
    assert judged(run(isotropy=GONE, variance=[7.0] * 5)) is None
    assert judged(run(isotropy=GONE, variance=[7.0, 6.0, 0.8, 0.8, 0.8], rank=[8.0, 8.0, 3.0, 3.0, 3.0])) is None
    assert judged(run(isotropy=GONE)) is not None  # of a state that has no variance, isotropy alone tells


@pytest.mark.parametrize(
    ("variance", "rank"), [([7.0, 6.0, 0.6, 0.6, 0.6], [20.0] * 5), ([7.0, 7.0, 90, 90, 90], [8.0, 8.0, 2.5, 2.5, 2.5])]
)
def test_cosines_near_1_and_a_cloud_that_shrank_or_lost_half_its_entropy_are_complete(variance, rank):
    found = judged(run(isotropy=GONE, variance=variance, rank=rank))
    assert found is not None
    assert (found.kind, found.reading, found.was, found.now) == ("complete", "isotropy", 0.5, 0.002)


def test_a_cloud_that_shrank_around_a_mean_that_did_too_is_none():
    """Length does not count: cosine losses leave it to drift."""
    assert judged(run(variance=[7.0, 6.0, 1e-6, 1e-6, 1e-6])) is None


@pytest.mark.parametrize("isotropy", [None, 0.0, 0.5])
def test_no_variance_is_complete_whatever_else_there_is(isotropy):
    nothing = [isotropy] * 3
    found = judged(run(isotropy=[0.5, *nothing], rank=[8.0, None, None, None], variance=[7.0, 0.0, 0.0, 0.0]))
    assert found is not None
    assert (found.kind, found.since) == ("complete", 10)
    some = judged(run(isotropy=[0.5, *nothing], rank=[8.0, None, None, None], variance=[7.0, 0.0, 0.0, 1e-9]))
    assert (some is None) == (isotropy != 0)  # none by either reading is none


def test_zeros_are_told_by_their_variance_from_the_start_or_later():
    zeros = [None] * 3
    later = judged(run(isotropy=[0.5, *zeros], rank=[8.0, *zeros], variance=[7.0, 0.0, 0.0, 0.0]))
    assert str(later) == "complete collapse since step 10: variance fell from 7 to 0"
    start = judged(run(isotropy=zeros, rank=zeros, variance=[0.0] * 3))
    assert str(start) == "complete collapse since step 0: variance is 0, as it was at first"
    alike = judged(run(isotropy=[1e-16, -1e-16, 0.0], rank=zeros, variance=[0.0] * 3))
    assert str(alike) == "complete collapse since step 0: isotropy is 0, as it was at first"


def test_a_fall_of_the_rank_to_none_is_called_all_the_way():
    ranks = [8.0, 1.5, 1.5, 1.5, None, None, None]
    variances = [7.0, 7.0, 7.0, 7.0, 0.0, 0.0, 0.0]
    kinds = [getattr(judged(run(rank=ranks[:n], variance=variances[:n])), "kind", None) for n in range(1, 8)]
    assert kinds == [None, None, None, "dimensional", "dimensional", "dimensional", "complete"]
    found = judged(run(rank=ranks[:5], variance=variances[:5]))
    assert found is not None
    assert (found.step, found.since, found.now) == (40, 10, 1.5)


def test_one_direction_from_the_start_has_nothing_to_lose_but_rounding():
    assert judged(run(rank=[1 + 4e-12, 1 + 1e-12, 1.0, 1 - 1e-15, 1.0, 1.0])) is None


@given(st.floats(0.01, 1), st.lists(st.floats(0.4, 5), min_size=4, max_size=12), st.floats(1.5, 500))
def test_a_healthy_run_is_silent_whatever_its_level(isotropy, dips, rank):
    """Nothing under .4 of the entropy or of the variance it began with is no collapse: I-JEPA's own dip is .49."""
    dips[0] = 1.0
    ranks = [math.exp(math.log(rank) * min(dip, 2)) for dip in dips]
    assert judged(run([isotropy * d for d in dips], ranks)) is None or max(dips[:FIRST]) > 1.15


@given(st.floats(0.01, 1), st.integers(0, 5), st.integers(PATIENCE, 6))
def test_a_run_that_loses_its_variance_is_called_as_soon_as_it_lasts(isotropy, healthy, lost):
    levels = [isotropy] * (healthy + 1) + [isotropy / 200] * lost
    found = judged(run(levels))
    assert found is not None
    assert found.since == 10 * (healthy + 1)
    assert judged(run(levels[: healthy + PATIENCE])) is None


def test_nothing_seen_is_no_collapse():
    assert judged([]) is None


@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_the_level_of_variance_does_not_matter(scale):
    assert judged(run(isotropy=[scale * x for x in (0.5, 0.4, 0.006, 0.006, 0.006)])) is None
    assert judged(run(isotropy=[scale * x for x in (0.5, 0.4, 0.004, 0.004, 0.004)])) is not None
