"""Chance: parts of a batch see together what one process would have seen alone."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_objectives import SMALL, made

from repscope.lab import train, views
from repscope.lab.chance import Chance, stream

DRAWS = {
    "uniform": lambda chance: chance.uniform(-2, 3),
    "uniform rows": lambda chance: chance.uniform(0, 1, 2, 3),
    "coins": lambda chance: chance.coins(0.4),
    "coin rows": lambda chance: chance.coins(0.4, 1),
}
SHARED = {"normal": lambda chance: chance.normal(3, 2), "order": lambda chance: chance.order(9)}
VIEWS = {
    "cropped": lambda pixels, chance: views.cropped(pixels, chance, 12),
    "clip": lambda pixels, chance: views.clip(pixels, chance, 12, 3),
    "distorted": lambda pixels, chance: views.distorted(pixels, chance, 12, (0.3, 1.0), 0.5, 0.5),
}


@given(parts=st.integers(1, 6), rows=st.integers(1, 4), seed=st.integers(0, 2**63), which=st.sampled_from(list(DRAWS)))
@settings(max_examples=60, deadline=None)
def test_the_whole_is_its_parts_put_together_at_every_draw(parts, rows, seed, which):
    whole = Chance(seed, parts * rows)
    shares = [Chance(seed, parts * rows, slice(k * rows, (k + 1) * rows)) for k in range(parts)]
    for _ in range(2):  # and what is drawn next goes on from the same place
        pieces = [DRAWS[which](chance) for chance in shares]
        assert torch.equal(torch.cat(pieces), DRAWS[which](whole))


@pytest.mark.parametrize("which", SHARED)
def test_what_is_shared_is_the_same_in_every_part(which):
    whole, part = Chance(3, 8), Chance(3, 8, slice(4, 6))
    for _ in range(2):
        assert torch.equal(SHARED[which](part), SHARED[which](whole))


@pytest.mark.parametrize("which", VIEWS)
def test_views_of_a_part_are_the_part_of_the_views(stripes, which):
    pixels, mine = stripes.pixels[:12], slice(4, 8)
    whole, part = VIEWS[which](pixels, Chance(5, 12)), VIEWS[which](pixels[mine], Chance(5, 12, mine))
    torch.testing.assert_close(part, whole[mine], atol=1e-6, rtol=0)
    assert not torch.allclose(part, whole[:4], atol=1e-2)


@pytest.mark.parametrize("name", SMALL)
def test_every_objective_draws_for_the_whole_batch(recipe, stripes, name):
    """After its views and its loss a part's chance stands where the whole's stands: the next draw is shared too."""
    objective, pixels = made(name, recipe), stripes.pixels[:8]
    whole, part = Chance(1, 8), Chance(1, 8, slice(2, 4))
    of_whole, of_part = objective.views(pixels, whole), objective.views(pixels[2:4], part)
    for view, its in zip(of_whole, of_part, strict=True):
        torch.testing.assert_close(its, view[2:4], atol=1e-5, rtol=0)
    assert torch.equal(whole.normal(4), part.normal(4))


def test_coins_fall_as_often_as_asked():
    assert abs(float(Chance(0, 10_000).coins(0.3).mean()) - 0.3) < 4 * (0.21 / 10_000) ** 0.5


def test_seed_and_step_decide_what_a_batch_is(recipe, stripes):
    """Images and views of every seed and step are their own: torch's generator reads 32 bits of a seed."""
    objective = made("mae", recipe)
    found = {}
    for seed in (0, 1, 2, 255, 256, 2**20):
        for step in (0, 1):
            batch = train.batch_of(objective, stripes, replace(recipe, seed=seed), step)
            found[seed, step] = (tuple(batch.rows.tolist()), tuple(batch.chance.uniform(0, 1).tolist()))
    assert len({rows for rows, _ in found.values()}) == len({drawn for _, drawn in found.values()}) == len(found)


def test_streams_of_seeds_lie_apart():
    begins = sorted(stream(seed, 0) for seed in range(1000))
    assert min(b - a for a, b in pairwise([*begins, begins[0] + 2**32])) > 1_000_000


def test_the_seed_decides():
    first, again, other = (Chance(seed, 4).uniform(0, 1) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
