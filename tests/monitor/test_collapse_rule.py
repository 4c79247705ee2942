"""When a run is called collapsed: exact readings, healthy dips, and the sentence that says so."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repscope.monitor.collapse import FIRST, PATIENCE, judged


def run(isotropy=None, rank=None) -> list:
    """Observations 10 steps apart, of these readings."""
    count = len(isotropy or rank)
    isotropy, rank = isotropy or [0.5] * count, rank or [20.0] * count
    return [
        (10 * place, {"isotropy": a, **({} if b is None else {"effective_rank": b})})
        for place, (a, b) in enumerate(zip(isotropy, rank, strict=True))
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
