"""Optimiser: which weight is moved by what, how far, and that it goes on to the bit."""

from dataclasses import replace

import pytest
import torch
from small_objectives import SMALL, batch, made
from torch import nn

from repscope.lab.optimiser import Optimiser


def names(objective: nn.Module, parameters) -> set[str]:
    known = {id(p): name for name, p in objective.named_parameters()}
    return {known[id(p)] for p in parameters}


def groups(objective, recipe):
    adamw, *rest = Optimiser(objective, recipe).parts
    decayed, spared = adamw.param_groups
    return decayed, spared, [group for part in rest for group in part.param_groups]


class Pair(nn.Module):
    """One matrix of a block, one that is none, and a vector."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(3, 4, bias=False)])
        self.head = nn.Linear(4, 2)


@pytest.mark.parametrize("name", SMALL)
def test_muon_gets_the_matrices_of_blocks_and_nothing_else(recipe, name):
    objective = made(name, recipe)
    decayed, spared, turned = groups(objective, replace(recipe, weight_decay=0.3))
    moved = names(objective, turned[0]["params"])
    trained = {n for n, p in objective.named_parameters() if p.requires_grad}
    assert moved == {n for n in trained if "blocks." in n and n.endswith(("qkv.weight", "output.weight", "er.weight"))}
    assert len(moved) >= 4 * recipe.architecture.depth
    assert {n.split(".")[0] for n in moved} <= {"encoder", "predictor", "decoder"}
    assert (decayed["weight_decay"], spared["weight_decay"], turned[0]["weight_decay"]) == (0.3, 0, 0.3)
    assert moved | names(objective, decayed["params"]) | names(objective, spared["params"]) == trained
    assert not any(n.startswith("teacher") for n in trained)


@pytest.mark.parametrize("name", ["mae", "dino"])
def test_no_vector_decays(recipe, name):
    objective = made(name, recipe)
    decayed, spared, turned = groups(objective, recipe)
    assert all(p.ndim == 1 for p in spared["params"])
    assert all(p.ndim == 2 for p in [*decayed["params"], *turned[0]["params"]])
    assert any("norm" in n for n in names(objective, spared["params"]))


def test_adamw_alone_moves_everything_where_the_recipe_says_so(recipe):
    objective = made("mae", recipe)
    decayed, spared, turned = groups(objective, replace(recipe, optimiser="adamw"))
    assert turned == []
    everything = {name for name, p in objective.named_parameters() if p.requires_grad}
    assert names(objective, [*decayed["params"], *spared["params"]]) == everything


def test_the_first_step_of_adamw_by_hand(recipe):
    """From rest it moves by rate x sign of the gradient, after a decay of rate x decay."""
    torch.manual_seed(0)
    pair = Pair()
    moving = Optimiser(pair, replace(recipe, weight_decay=0.5, clip=1e9))
    before = pair.head.weight.detach().clone(), pair.head.bias.detach().clone()
    pair.head.weight.grad, pair.head.bias.grad = torch.tensor([[3.0, -2, 1, -5]] * 2), torch.tensor([-1.0, 7])
    pair.blocks[0].weight.grad = torch.ones(4, 3)
    moving.step(0.1)
    wanted = before[0] * (1 - 0.1 * 0.5) - 0.1 * torch.tensor([[1.0, -1, 1, -1]] * 2)
    torch.testing.assert_close(pair.head.weight.detach(), wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(pair.head.bias.detach(), before[1] - 0.1 * torch.tensor([-1.0, 1]), atol=1e-5, rtol=0)
    assert pair.head.weight.grad is None


def test_a_step_of_muon_is_orthogonal_and_as_long_as_one_of_adamw(recipe):
    """All singular values of the change are near each other, and its root mean square is .2 rate."""
    torch.manual_seed(0)
    objective = made("mae", recipe)
    moving = Optimiser(objective, replace(recipe, weight_decay=0.0, clip=1e9))
    weight = objective.decoder.blocks[0].perceptron.inner.weight
    before = weight.detach().clone()
    for p in moving.parameters:
        p.grad = torch.randn_like(p) * torch.logspace(0, -1, p.shape[-1])  # far from orthogonal
    moving.step(0.01)
    change = (weight.detach() - before) / 0.01
    values = torch.linalg.svdvals(change)
    assert values.max() < 2 * values.min()
    assert change.square().mean().sqrt() == pytest.approx(0.2, rel=0.25)


@pytest.mark.parametrize("clip", [0.5, 1e3])
def test_gradients_are_clipped_together_to_the_length(recipe, clip, monkeypatch):
    objective = made("mae", recipe)
    moving, seen = Optimiser(objective, replace(recipe, clip=clip)), []
    for p in moving.parameters:
        p.grad = torch.full_like(p, 0.3)
    before = torch.stack([p.grad.norm() for p in moving.parameters]).norm()
    step = moving.parts[0].step
    monkeypatch.setattr(
        moving.parts[0], "step", lambda: seen.append([p.grad.clone() for p in moving.parameters]) or step()
    )
    moving.step(1e-3)
    assert torch.stack([g.norm() for g in seen[0]]).norm() == pytest.approx(min(clip, float(before)), rel=1e-4)
    assert all(torch.equal(g, g.flatten()[0].expand_as(g)) for g in seen[0])  # their direction stays


def test_both_rates_move_together(recipe):
    moving = Optimiser(made("mae", recipe), recipe)
    for p in moving.parameters:
        p.grad = torch.zeros_like(p)
    moving.step(0.0125)
    assert {group["lr"] for part in moving.parts for group in part.param_groups} == {0.0125}


@pytest.mark.parametrize("optimiser", ["muon", "adamw"])
def test_it_goes_on_to_the_bit_from_its_state(recipe, stripes, optimiser):
    recipe = replace(recipe, optimiser=optimiser)

    def moved(objective, moving, steps):
        for step in steps:
            objective.loss(batch(objective, stripes.pixels[:8], seed=step)).backward()
            moving.step(1e-3)

    whole, cut = made("ijepa", recipe), made("ijepa", recipe)
    on = Optimiser(whole, recipe)
    moved(whole, on, range(3))
    cut.load_state_dict(whole.state_dict())
    state = {name: value.clone() for name, value in on.state().items()}
    moved(whole, on, range(3, 5))
    again = Optimiser(cut, recipe)
    again.restore(state)
    assert all(torch.equal(value, state[name]) for name, value in again.state().items())
    assert again.state().keys() == state.keys()
    moved(cut, again, range(3, 5))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, cut.state_dict()[name]), name


@pytest.mark.parametrize(
    "wrong",
    [
        {"7.0.step": torch.ones(())},
        {"0.9999.step": torch.ones(())},
        {"0.0.exp_avg": torch.ones(2, 7)},
        {"a": torch.ones(1)},
    ],
)
def test_what_another_optimiser_gave_is_refused(recipe, wrong):
    with pytest.raises(ValueError, match=r"has no place for|unpack"):
        Optimiser(made("mae", recipe), recipe).restore(wrong)
