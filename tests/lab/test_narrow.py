"""The second transformer of masked objectives: it knows where what it reads lies, and where it is asked."""

from dataclasses import replace

import pytest
import torch
from small_objectives import made
from torch import nn

from repscope.lab import narrow


@pytest.fixture
def predictor(recipe):
    return made("ijepa", recipe, width=96, depth=4).predictor


@pytest.fixture
def tokens(seeded):
    return torch.randn(2, 5, 16, generator=seeded(0)), torch.tensor([[0, 3, 6, 9, 12]] * 2)


@torch.no_grad()
def test_asked_places_in_another_order_are_answered_in_that_order(predictor, tokens):
    x, shown = tokens
    asked, order = torch.tensor([[1, 5, 10, 15]] * 2), torch.tensor([2, 0, 3, 1])
    plain, turned = predictor(x, shown, asked), predictor(x, shown, asked[:, order])
    torch.testing.assert_close(turned, plain[:, order], atol=1e-5, rtol=0)
    assert (plain[:, 0] - plain[:, 1]).abs().max() > 1e-3  # another place has another answer


@torch.no_grad()
def test_it_knows_where_the_shown_lie(predictor, tokens):
    x, shown = tokens
    asked = torch.tensor([[1, 5]] * 2)
    plain = predictor(x, shown, asked)
    both = predictor(x.flip(1), shown.flip(1), asked)
    moved = predictor(x, shown.flip(1), asked)
    torch.testing.assert_close(both, plain, atol=1e-5, rtol=0)
    assert (moved - plain).abs().max() > 1e-4


@torch.no_grad()
def test_other_places_may_be_given(predictor, tokens, seeded):
    x, shown = tokens
    asked = torch.tensor([[1, 5]] * 2)
    same = predictor(x, shown, asked, predictor.places)
    assert torch.equal(same, predictor(x, shown, asked))
    swapped = predictor(x, shown, asked, predictor.places.flip(0))
    torch.testing.assert_close(swapped, predictor(x, 15 - shown, 15 - asked), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_prefix_has_no_place_and_is_read(recipe, seeded):
    shape = replace(recipe.architecture, cls=True, registers=2)
    predictor, shown, asked = narrow.Narrow(shape, outputs=5), torch.tensor([[0, 1]]), torch.tensor([[7, 8, 9]])
    x = torch.randn(1, 5, 16, generator=seeded(0))
    nn.init.normal_(predictor.query, generator=seeded(1))
    plain = predictor(x, shown, asked)
    swapped = predictor(x[:, [1, 0, 2, 3, 4]], shown, asked)
    without = predictor(torch.cat([x[:, :3] * 0, x[:, 3:]], 1), shown, asked)
    assert plain.shape == (1, 3, 5)
    torch.testing.assert_close(swapped, plain, atol=1e-5, rtol=0)
    assert (without - plain).abs().max() > 1e-4
