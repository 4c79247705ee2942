"""distill: nothing for a perfect student, and no say for a teacher's scale."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_objectives import batch, made, teacher
from torch import nn

from repscope.encoders.vit import ViT
from repscope.errors import UnknownName, WrongUsage
from repscope.lab import checkpoint
from repscope.lab.objectives.distill import patches, standardised


class Knows(nn.Module):
    """In place of a head: the targets, for patches and for whole images, off by a factor and a shift."""

    def __init__(self, target: torch.Tensor, factor: float = 1.0, off: float = 0.0):
        super().__init__()
        self.each, self.whole = standardised(target), standardised(target.mean(1))
        self.factor, self.off = factor, off

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        known = self.each if tokens.ndim == 3 else self.whole
        return known * self.factor + self.off + 0 * tokens.sum()


@torch.no_grad()
def taught(objective, images: torch.Tensor) -> torch.Tensor:
    return patches(objective.teachers[0], images)


def test_a_perfect_student_costs_nothing(recipe, stripes):
    objective = made("distill", recipe)
    views_of = batch(objective, stripes.pixels[:8])
    objective.heads[0] = Knows(taught(objective, views_of.views[0]))
    assert objective.loss(views_of).item() == pytest.approx(0, abs=1e-6)


def test_a_student_in_the_wrong_direction_by_hand(recipe, stripes):
    """Minus the target: cosine -1 costs .9 x 2, and smooth L1 of twice the target."""
    objective = made("distill", recipe)
    views_of = batch(objective, stripes.pixels[:8])
    target = taught(objective, views_of.views[0])
    objective.heads[0] = Knows(target, factor=-1.0)
    smooth = []
    for known in (standardised(target), standardised(target.mean(1))):
        off = np.abs(2 * known.double().numpy())
        smooth.append(np.where(off < 1, off**2 / 2, off - 0.5).mean())
    assert objective.loss(views_of).item() == pytest.approx(0.9 * 2 + 0.1 * np.mean(smooth), rel=1e-4)


def test_the_loss_of_two_teachers_is_the_mean_over_teachers_patches_and_images(recipe, stripes):
    pair = teacher(recipe, 1), teacher(recipe, 2)
    objective = made("distill", recipe, teachers=pair)
    views_of, parts = batch(objective, stripes.pixels[:8]), []
    with torch.no_grad():
        tokens = patches(objective.encoder, views_of.views[0])
        for one, head in zip(pair, objective.heads, strict=True):
            target = patches(one, views_of.views[0]).double().numpy()
            for x, t in ((tokens, target), (tokens.mean(1), target.mean(1))):
                said, t = head(x).double().numpy().reshape(-1, 16), t.reshape(-1, 16)
                t = (t - t.mean(0)) / np.sqrt(t.var(0) + 1e-6)
                cosine = (said * t).sum(1) / np.linalg.norm(said, axis=1) / np.linalg.norm(t, axis=1)
                off = np.abs(said - t)
                parts.append(0.9 * (1 - cosine.mean()) + 0.1 * np.where(off < 1, off**2 / 2, off - 0.5).mean())
    assert objective.loss(views_of).item() == pytest.approx(np.mean(parts), rel=1e-4)


def test_scale_and_shift_of_a_teachers_dimensions_change_nothing(recipe, stripes):
    objective = made("distill", recipe)
    views_of = batch(objective, stripes.pixels[:8])
    before = objective.loss(views_of).item()
    with torch.no_grad():
        norm = objective.teachers[0].norm
        factor = torch.linspace(2, 40, 16)
        norm.weight.mul_(factor)
        norm.bias.mul_(factor).add_(torch.linspace(-5, 5, 16))
    assert objective.loss(views_of).item() == pytest.approx(before, rel=1e-3)


def test_targets_have_mean_zero_and_variance_one_in_every_dimension(seeded):
    x = standardised(5 + 3 * torch.randn(6, 7, 4, generator=seeded(0)))
    assert x.shape == (6, 7, 4)
    torch.testing.assert_close(x.flatten(0, 1).mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.flatten(0, 1).var(0, correction=0), torch.ones(4), atol=1e-4, rtol=0)
    assert (standardised(torch.full((5, 3), 2.0)) == 0).all()  # a dimension that says nothing asks for nothing


def test_a_teacher_may_be_wider_and_be_named_by_its_file(recipe, stripes, tmp_path):
    wide = ViT(replace(recipe.architecture, width=32, heads=4, hidden=64))
    checkpoint.write_encoder(wide, tmp_path / "wide.safetensors", {})
    objective = made("distill", recipe, teachers=(str(tmp_path / "wide.safetensors"), teacher(recipe)))
    assert [head[-1].out_features for head in objective.heads] == [32, 16]
    for key, value in wide.state_dict().items():
        assert torch.equal(objective.teachers[0].state_dict()[key], value.half().float()), key
    assert torch.isfinite(objective.loss(batch(objective, stripes.pixels[:8])))


def test_teachers_that_are_none_are_refused(recipe):
    with pytest.raises(WrongUsage, match="distill wants one teacher or more"):
        made("distill", recipe, teachers=())
    with pytest.raises(UnknownName):
        made("distill", recipe, teachers=("nobody",))
    other = ViT(replace(recipe.architecture, patch=8, grid=(2, 2)))
    with pytest.raises(WrongUsage, match="into patches of 4 pixels; one cuts 8"):
        made("distill", recipe, teachers=(other,))
