"""Objectives: what they ask for, where their gradients go, and how a teacher follows."""

import pytest
import torch
from torch import nn
from torch.nn.functional import layer_norm, smooth_l1_loss

from repscope.encoders.vit.model import gather
from repscope.lab import masks, narrow, objectives, views
from repscope.lab.objectives.ijepa import JointEmbeddingPrediction
from repscope.lab.objectives.mae import MaskedAutoencoder
from repscope.lab.train import build


@pytest.fixture
def batch(stripes):
    return views.normalised(stripes.pixels[:8])


class Painter(nn.Module):
    """A decoder that knows the answer, and may be off by a constant."""

    def __init__(self, answer, off=0.0):
        super().__init__()
        self.answer, self.off = answer, off

    def forward(self, tokens, shown, asked):  # noqa: ARG002  as every decoder is called
        return gather(self.answer, asked) + self.off + 0 * tokens.sum()


def test_the_catalogue_has_one_file_each():
    assert sorted(objectives.catalogue) == ["ijepa", "mae"]
    assert objectives.catalogue["mae"] is MaskedAutoencoder
    assert objectives.catalogue["ijepa"] is JointEmbeddingPrediction


@pytest.mark.parametrize("name", ["mae", "ijepa"])
def test_the_generator_decides_the_loss(recipe, batch, seeded, name):
    objective = build(objectives.catalogue[name], recipe)
    first, again, other = (objective.loss(batch, seeded(seed)).item() for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("name", ["mae", "ijepa"])
def test_the_same_seed_gives_every_objective_the_same_encoder(recipe, name):
    made, mae = (build(objectives.catalogue[n], recipe).encoder.state_dict() for n in (name, "mae"))
    assert all(torch.equal(value, mae[key]) for key, value in made.items())


class TestMaskedAutoencoder:
    def test_targets_have_mean_zero_and_variance_one(self, seeded):
        patches = 3 + 5 * torch.randn(4, 6, 48, generator=seeded(0))
        target = MaskedAutoencoder.target(patches)
        torch.testing.assert_close(target.mean(-1), torch.zeros(4, 6), atol=1e-5, rtol=0)
        torch.testing.assert_close(target.var(-1), torch.ones(4, 6), atol=1e-4, rtol=0)
        # brightness and contrast of a patch are not asked
        torch.testing.assert_close(MaskedAutoencoder.target(2 * patches + 1), target, atol=1e-4, rtol=0)

    def test_a_target_worked_out_by_hand(self):
        target = MaskedAutoencoder.target(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]))
        wanted = (torch.tensor([1.0, 2.0, 3.0, 4.0]) - 2.5) / (5 / 3 + 1e-6) ** 0.5
        torch.testing.assert_close(target[0, 0], wanted)

    def test_a_flat_patch_asks_for_nothing(self):
        assert (MaskedAutoencoder.target(torch.full((1, 2, 48), 0.7)) == 0).all()

    def test_the_loss_is_zero_for_the_right_picture_and_the_square_of_what_it_is_off(self, recipe, batch, seeded):
        objective = build(MaskedAutoencoder, recipe)
        answer = MaskedAutoencoder.target(objective.encoder.cut(batch))
        objective.decoder = Painter(answer)
        assert objective.loss(batch, seeded(0)).item() == 0
        objective.decoder = Painter(answer, off=0.5)
        assert objective.loss(batch, seeded(0)).item() == pytest.approx(0.25, abs=1e-6)

    def test_only_shown_pixels_reach_the_prediction_and_only_hidden_ones_the_target(self, recipe, batch, seeded):
        objective = build(MaskedAutoencoder, recipe)
        shown, asked = masks.scattered(len(batch), 16, 0.75, seeded(4))
        pixels = batch.clone().requires_grad_()
        objective.decoder(objective.encoder.encode(pixels, shown), shown, asked).square().sum().backward()
        moved = objective.encoder.cut(pixels.grad).abs().sum(-1)
        assert (gather(moved[..., None], asked) == 0).all()
        assert (gather(moved[..., None], shown) > 0).all()

        scrambled = objective.encoder.cut(batch).clone()  # targets of the shown are never looked at
        scrambled.scatter_(1, shown[..., None].expand(-1, -1, 48), 99.0)
        loss = objective.loss(batch, seeded(4))
        painted = objective.decoder(objective.encoder.encode(batch, shown), shown, asked)
        wanted = (painted - MaskedAutoencoder.target(gather(scrambled, asked))).square().mean()
        torch.testing.assert_close(loss, wanted)

    def test_the_encoder_sees_a_quarter(self, recipe, batch, seeded, monkeypatch):
        objective, seen = build(MaskedAutoencoder, recipe), []
        encode = objective.encoder.encode
        monkeypatch.setattr(objective.encoder, "encode", lambda x, keep: seen.append(keep.shape) or encode(x, keep))
        objective.loss(batch, seeded(0))
        assert seen == [(8, 4)]


class TestJointEmbeddingPrediction:
    def test_the_teacher_gets_no_gradient_and_all_else_does(self, recipe, batch, seeded):
        objective = build(JointEmbeddingPrediction, recipe)
        objective.loss(batch, seeded(0)).backward()
        assert all(p.grad is None for p in objective.teacher.parameters())
        for name, p in [*objective.encoder.named_parameters(), *objective.predictor.named_parameters()]:
            assert p.grad is not None and p.grad.abs().sum() > 0, name  # noqa: PT018  the name goes with both

    def test_the_teacher_begins_as_the_encoder(self, recipe):
        objective = build(JointEmbeddingPrediction, recipe)
        for slow, fast in zip(objective.teacher.parameters(), objective.encoder.parameters(), strict=True):
            assert torch.equal(slow, fast)
            assert slow is not fast

    @pytest.mark.parametrize(("progress", "momentum"), [(0.0, 0.996), (0.25, 0.997), (0.5, 0.998), (1.0, 1.0)])
    def test_the_teacher_follows_by_the_schedule(self, recipe, progress, momentum):
        objective = build(JointEmbeddingPrediction, recipe)
        with torch.no_grad():
            for p in objective.encoder.parameters():
                p.add_(1.0)
        before = [p.double() for p in objective.teacher.parameters()]
        objective.follow(progress)
        for old, slow, fast in zip(before, objective.teacher.parameters(), objective.encoder.parameters(), strict=True):
            wanted = momentum * old + (1 - momentum) * fast.detach().double()
            torch.testing.assert_close(slow.double(), wanted, atol=1e-6, rtol=0)

    def test_it_is_the_teacher_that_is_kept(self, recipe):
        objective = build(JointEmbeddingPrediction, recipe)
        assert objective.result is objective.teacher

    def test_the_loss_is_of_normalised_teacher_tokens_of_the_whole_image(self, recipe, batch, seeded):
        objective = build(JointEmbeddingPrediction, recipe)
        with torch.no_grad():  # a teacher of its own, whose tokens are far from normalised
            for p in objective.teacher.parameters():
                p.add_(0.05)
            objective.teacher.norm.weight.mul_(7)
        loss = objective.loss(batch, seeded(2))
        shown, asked = masks.blocks(len(batch), (4, 4), seeded(2))
        with torch.no_grad():
            tokens = objective.encoder.encode(batch, shown)
            taught = objective.teacher(batch)[0]
            taught = (taught - taught.mean(-1, keepdim=True)) / (
                taught.var(-1, unbiased=False, keepdim=True) + 1e-5
            ).sqrt()
            parts = [
                smooth_l1_loss(objective.predictor(tokens, shown, block), gather(taught, block)) for block in asked
            ]
        torch.testing.assert_close(loss, torch.stack(parts).mean(), atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(layer_norm(taught, taught.shape[-1:]), taught, atol=1e-3, rtol=0)

    def test_the_scale_and_offset_of_the_teacher_are_not_asked(self, recipe, batch, seeded):
        objective = build(JointEmbeddingPrediction, recipe)
        before = objective.loss(batch, seeded(2)).item()
        with torch.no_grad():
            objective.teacher.norm.weight.mul_(7)
            objective.teacher.norm.bias.add_(3)
        assert objective.loss(batch, seeded(2)).item() == pytest.approx(before, rel=1e-4)


class TestNarrow:
    @pytest.fixture
    def predictor(self, recipe):
        return build(JointEmbeddingPrediction, recipe).predictor

    @pytest.fixture
    def tokens(self, seeded):
        return torch.randn(2, 5, 16, generator=seeded(0)), torch.tensor([[0, 3, 6, 9, 12]] * 2)

    def test_asked_places_in_another_order_are_answered_in_that_order(self, predictor, tokens):
        x, shown = tokens
        asked, order = torch.tensor([[1, 5, 10, 15]] * 2), torch.tensor([2, 0, 3, 1])
        with torch.no_grad():
            plain, turned = predictor(x, shown, asked), predictor(x, shown, asked[:, order])
        torch.testing.assert_close(turned, plain[:, order], atol=1e-5, rtol=0)
        assert (plain[:, 0] - plain[:, 1]).abs().max() > 1e-3  # another place has another answer

    def test_it_knows_where_the_shown_lie(self, predictor, tokens):
        x, shown = tokens
        asked = torch.tensor([[1, 5]] * 2)
        with torch.no_grad():
            plain = predictor(x, shown, asked)
            both = predictor(x.flip(1), shown.flip(1), asked)
            moved = predictor(x, shown.flip(1), asked)
        torch.testing.assert_close(both, plain, atol=1e-5, rtol=0)
        assert (moved - plain).abs().max() > 1e-4

    def test_a_prefix_has_no_place_and_is_read(self, recipe, seeded):
        from dataclasses import replace

        shape = replace(recipe.architecture, cls=True, registers=2)
        predictor, shown, asked = narrow.Narrow(shape, outputs=5), torch.tensor([[0, 1]]), torch.tensor([[7, 8, 9]])
        x = torch.randn(1, 5, 16, generator=seeded(0))
        with torch.no_grad():
            nn.init.normal_(predictor.query, generator=seeded(1))
            plain = predictor(x, shown, asked)
            swapped = predictor(x[:, [1, 0, 2, 3, 4]], shown, asked)
            without = predictor(torch.cat([x[:, :3] * 0, x[:, 3:]], 1), shown, asked)
        assert plain.shape == (1, 3, 5)
        torch.testing.assert_close(swapped, plain, atol=1e-5, rtol=0)
        assert (without - plain).abs().max() > 1e-4
