"""Devices: nothing in an objective assumes the processor, except the draws of chance, which are made there."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from small_objectives import SMALL, made
from torch.overrides import TorchFunctionMode

from repscope.lab.build import device_of
from repscope.lab.chance import Chance
from repscope.lab.objectives import Batch

AWAY = torch.device("meta")
"""A device that every build of torch has; its tensors have shapes and no values."""


def tensors(of: Any) -> Iterator[torch.Tensor]:
    if isinstance(of, torch.Tensor):
        yield of
    elif isinstance(of, (tuple, list)):
        for part in of:
            yield from tensors(part)


class OneDevice(TorchFunctionMode):
    """No operation takes tensors of two devices; single numbers may lie anywhere, as on a real accelerator."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        devices = {x.device.type for x in tensors((*args, *kwargs.values())) if x.ndim}
        if len(devices) > 1 and func is not torch.Tensor.to:
            raise RuntimeError(f"{getattr(func, '__name__', func)} of tensors on {' and '.join(sorted(devices))}")
        return func(*args, **kwargs)


@pytest.mark.parametrize("name", SMALL)
def test_views_loss_gradients_and_teacher_are_where_the_objective_is(recipe, name, monkeypatch):
    objective, chance = made(name, recipe).to(AWAY), Chance(0, 8)
    assert device_of(objective) == AWAY
    monkeypatch.setattr(torch, "autocast", lambda *a, **k: nullcontext())  # which does not know this device
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda self: False)  # nor has it values
    with OneDevice():
        views = objective.views(torch.zeros(8, 3, 16, 16, dtype=torch.uint8, device=AWAY), chance)
        assert {view.device for view in views} == {AWAY}
        labels, rows = torch.zeros(8, dtype=torch.long, device=AWAY), torch.arange(8, device=AWAY)
        loss = objective.loss(Batch(views, labels, rows, chance))
        assert loss.device == AWAY
        loss.backward()
        objective.follow(0.5)
    assert {value.device for value in objective.state_dict().values()} == {AWAY}
    assert all(p.grad is None or p.grad.device == AWAY for p in objective.parameters())


def test_tensors_of_two_devices_are_noticed():
    away, here = torch.zeros(2, 2, device=AWAY), torch.zeros(2, 2, dtype=torch.long)
    with OneDevice():
        for together in (lambda: away @ here, lambda: away.gather(1, here), lambda: torch.cat([away, here])):
            with pytest.raises(RuntimeError, match="of tensors on cpu and meta"):
                together()
        assert (away * torch.tensor(2.0)).device == here.to(AWAY).device == AWAY
