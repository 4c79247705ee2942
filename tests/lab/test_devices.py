"""Devices: nothing in an objective assumes the processor, except the draws of chance, which are made there."""

from contextlib import nullcontext

import pytest
import torch
from small_objectives import SMALL, made

from repscope.lab.build import device_of
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch

AWAY = torch.device("meta")
"""A device that every build of torch has: tensors of it and of the processor do not go together."""


@pytest.mark.parametrize("name", SMALL)
def test_views_loss_gradients_and_teacher_are_where_the_objective_is(recipe, name, monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *a, **k: nullcontext())  # which does not know this device
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda self: False)  # nor has it values
    objective, chance = made(name, recipe).to(AWAY), Chance(0, 8)
    assert device_of(objective) == AWAY
    views = objective.views(torch.zeros(8, 3, 16, 16, dtype=torch.uint8, device=AWAY), chance)
    assert {view.device for view in views} == {AWAY}
    labels, rows = torch.zeros(8, dtype=torch.long, device=AWAY), torch.arange(8, device=AWAY)
    loss = objective.loss(Batch(views, labels, rows, chance))
    assert loss.device == AWAY
    loss.backward()
    objective.follow(0.5)
    assert {value.device for value in objective.state_dict().values()} == {AWAY}
    assert all(p.grad is None or p.grad.device == AWAY for p in objective.parameters())


def test_tensors_of_two_devices_do_not_go_together():
    """Most operations say so; what the test above can see."""
    away, here = torch.zeros(2, 3, device=AWAY), torch.zeros(2, 3)
    for together in (lambda: away + here, lambda: torch.where(here > 0, away, away), lambda: torch.cat([away, here])):
        with pytest.raises(RuntimeError):
            together()
