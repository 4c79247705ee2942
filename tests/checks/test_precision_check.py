"""Precision: what it measures, and when missing a bar is a failure."""

import numpy as np
import pytest
from mutations import coarse
from standing import Standing, failed, findings, told

from repscope import metrics
from repscope.checks import Subject
from repscope.encoders import load
from repscope.images import gather


def test_its_numbers_are_those_of_the_two_encoders():
    photos, _ = gather()
    exact, near = ([load("tiny-mae", p)([photo])[0].patches[0] for photo in photos] for p in ("float32", "bfloat16"))
    found = {each.about: each for each in findings("precision", Subject("tiny-mae"))}
    error = max(np.linalg.norm(one - other) / np.linalg.norm(other) for one, other in zip(near, exact, strict=True))
    assert found["Patch tokens in bfloat16"].measured == pytest.approx(error, rel=1e-4)
    for name in ("effective_rank", "isotropy_centred"):
        card = metrics.catalogue[name]
        one, other = (np.mean([card(x) for x in each]) for each in (near, exact))
        still = found["Readings that bfloat16 leaves alone"].measured
        assert still is not None
        assert abs(one - other) / abs(other) <= max(still, 0.01)


def test_a_reading_that_moves_is_named_with_its_number():
    found = findings("precision", Standing("tiny-mae", coarse, rounded=True))
    moved = [each for each in found if "its interval" in each.said]
    assert moved, told(found)
    assert all(each.measured is not None and each.measured > 0.01 for each in moved)
    assert [each.measured for each in moved] == sorted((each.measured for each in moved), reverse=True)


def test_missing_a_bar_fails_where_auto_uses_it_and_is_told_where_not():
    class Spared(Standing):
        chosen = Subject.chosen

    assert failed("precision", Standing("tiny-dino", coarse, rounded=True))
    found = findings("precision", Spared("tiny-dino", coarse, rounded=True))
    missed = [each for each in found if "nothing rests on it" in each.said]
    assert {each.verdict for each in missed} == {"unchecked"}, told(found)
    assert {each.verdict for each in found if each not in missed and "its interval" not in each.said} == {"verified"}
