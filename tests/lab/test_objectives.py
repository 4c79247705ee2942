"""Objectives: what every one of them must do, whatever it asks."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_objectives import SMALL, batch, made

from repscope.errors import WrongUsage
from repscope.lab import objectives, train
from repscope.lab.objectives import momentum

FALLS = {
    "barlow_twins": 0.5,
    "byol": 0.6,
    "diet": 1.0,  # log N is far above its floor, and 20 steps are few: but every batch must fall
    "dino": 0.8,
    "distill": 0.5,
    "ijepa": 0.4,
    "lejepa": 0.9,
    "mae": 0.95,
    "simclr": 0.85,
    "supervised": 0.98,
    "vicreg": 0.95,
    "vjepa": 0.5,
}
RATES = {"supervised": 2e-2}  # mirrored, a diagonal is the other: two classes of four cannot be told
UNTOUCHED = ("teacher", "centre")
EVERY = pytest.mark.parametrize("name", SMALL)


def test_the_catalogue_has_one_file_each():
    assert sorted(objectives.catalogue) == sorted(SMALL) == sorted(FALLS)
    assert all(issubclass(objectives.catalogue[name], objectives.Objective) for name in SMALL)


@EVERY
def test_the_loss_falls_in_twenty_steps(recipe, stripes, name):
    """On the batches it trained on, the same views and masks before and after."""
    plan = replace(
        recipe, epochs=10, batch=32, rate=RATES.get(name, 5e-3), crop=(0.5, 1.0), precision="float32", snapshots=0
    )
    objective = made(name, plan)
    run = train.Run(objective, plan, stripes, Path("unwritten"))
    if name == "dino":  # its centre begins where it would arrive; until then every image has one name
        for step in range(20):
            run.loss(step)

    def losses() -> torch.Tensor:
        state = {name: value.clone() for name, value in objective.state_dict().items()}
        with torch.no_grad():
            told = torch.tensor([run.loss(step)[1] for step in range(4)])
        objective.load_state_dict(state)
        return told

    before = losses()
    for step in range(20):
        run.step(step)
    after = losses()
    assert (after < before).all()
    assert after.mean() <= FALLS[name] * before.mean()


@EVERY
def test_chance_decides_the_loss(recipe, stripes, name):
    objective = made(name, recipe).eval()
    first, again, other = (objective.loss(batch(objective, stripes.pixels[:8], seed=seed)).item() for seed in (1, 1, 2))
    assert first == again != other


@EVERY
def test_the_same_seed_gives_every_objective_the_same_encoder(recipe, name):
    its, other, mae = (made(n, replace(recipe, seed=s)).encoder for n, s in ((name, 0), (name, 1), ("mae", 0)))
    for key, value in its.state_dict().items():
        assert torch.equal(value, mae.state_dict()[key]), key
    assert not torch.equal(its.patch.weight, other.patch.weight)


@EVERY
def test_gradients_reach_all_that_is_trained_and_nothing_else(recipe, stripes, name):
    objective = made(name, recipe)
    loss = objective.loss(batch(objective, stripes.pixels[:8]))
    assert loss.dtype == torch.float32
    assert loss.ndim == 0
    loss.backward()
    for part, p in objective.named_parameters():
        if part.startswith(UNTOUCHED):
            assert p.grad is None, part
            assert not p.requires_grad, part
        else:
            assert p.grad is not None, part
            # two mean-free outputs after a batch norm leave a bias before it nothing to do
            assert p.grad.abs().sum() > 0 or part.endswith("bias"), part


@EVERY
def test_a_loss_under_bfloat16_is_near_and_still_float32(recipe, stripes, name):
    objective = made(name, recipe).eval()
    exact = objective.loss(batch(objective, stripes.pixels[:16]))
    with torch.autocast("cpu", torch.bfloat16):
        rough = objective.loss(batch(objective, stripes.pixels[:16]))
    assert rough.dtype == torch.float32
    assert rough.item() != exact.item()
    # batch statistics of an untrained encoder divide by what is nearly nothing
    assert rough.item() == pytest.approx(exact.item(), rel=0.35)


@EVERY
def test_what_is_kept_is_an_encoder_of_the_recipe(recipe, name):
    objective = made(name, recipe)
    assert objective.result.architecture == recipe.architecture
    assert objective.result is getattr(objective, "teacher", objective.encoder)


@pytest.mark.parametrize("name", ["ijepa", "vjepa", "dino", "byol"])
class TestTeacher:
    def pairs(self, objective):
        for part in ("", "_head", "_projector"):
            if hasattr(objective, f"teacher{part}"):
                slow = getattr(objective, f"teacher{part}")
                fast = getattr(objective, part[1:] or "encoder")
                yield from zip(slow.parameters(), fast.parameters(), strict=True)

    def test_it_begins_as_the_student_and_is_another(self, recipe, name):
        objective = made(name, recipe)
        assert len(list(self.pairs(objective))) >= len(list(objective.encoder.parameters()))
        for slow, fast in self.pairs(objective):
            assert torch.equal(slow, fast)
            assert slow is not fast

    @pytest.mark.parametrize(("progress", "share"), [(0.0, 0.996), (1 / 3, 0.997), (0.5, 0.998), (1.0, 1.0)])
    def test_it_follows_by_the_schedule(self, recipe, name, progress, share):
        objective = made(name, recipe)
        with torch.no_grad():
            for _, fast in self.pairs(objective):
                fast.add_(1.0)
        before = [slow.double() for slow, _ in self.pairs(objective)]
        objective.follow(progress)
        for old, (slow, fast) in zip(before, self.pairs(objective), strict=True):
            wanted = share * old + (1 - share) * fast.detach().double()
            torch.testing.assert_close(slow.double(), wanted, atol=1e-6, rtol=0)

    def test_a_momentum_of_zero_makes_it_the_student(self, recipe, name):
        objective = made(name, recipe, teacher_momentum=0)
        with torch.no_grad():
            for _, fast in self.pairs(objective):
                fast.mul_(1.7)
        objective.follow(0.4)
        assert all(torch.equal(slow, fast) for slow, fast in self.pairs(objective))


def test_momentum_rises_along_half_a_cosine():
    shares = [momentum(0.9, k / 10) for k in range(11)]
    wanted = 1 - 0.1 * (1 + torch.cos(torch.pi * torch.arange(11, dtype=torch.float64) / 10)) / 2
    assert shares == pytest.approx(wanted.tolist(), abs=1e-12)
    assert shares[0] == pytest.approx(0.9)
    assert shares[-1] == 1


def test_options_that_an_objective_does_not_have_are_refused_by_name(recipe):
    with pytest.raises(WrongUsage, match=r"options do not fit it: .*'moonlight'"):
        made("vicreg", recipe, moonlight=3)


class TestTwoViews:
    """What VICReg, Barlow Twins, SimCLR, BYOL and the first views of DINO share."""

    @pytest.mark.parametrize("name", ["vicreg", "barlow_twins", "simclr", "byol", "dino", "lejepa"])
    def test_views_are_of_the_asked_sizes_and_differ(self, recipe, stripes, name):
        plan = replace(recipe, view=12, local=8)
        made_of = batch(made(name, plan), stripes.pixels[:4]).views
        sizes = [view.shape for view in made_of]
        assert sizes[:2] == [(4, 3, 12, 12)] * 2
        assert sizes[2:] == [(4, 3, 8, 8)] * (2 if name in ("dino", "lejepa") else 0)
        assert (made_of[0] - made_of[1]).abs().mean() > 0.05

    @pytest.mark.parametrize("name", ["diet", "distill", "supervised", "vjepa"])
    def test_one_view_is_of_the_asked_size(self, recipe, stripes, name):
        (view,) = batch(made(name, replace(recipe, view=12)), stripes.pixels[:4]).views
        assert view.shape[-2:] == (12, 12)

    @pytest.mark.parametrize("name", ["mae", "ijepa"])
    def test_masked_images_are_seen_whole(self, recipe, stripes, name):
        (view,) = batch(made(name, replace(recipe, view=12)), stripes.pixels[:4]).views
        assert view.shape == (4, 3, 16, 16)
