"""mae, ijepa, vjepa: what is hidden, what is asked of it, and by hand what that costs."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_objectives import Painter, batch, made, seen
from torch.nn.functional import smooth_l1_loss

from repscope.encoders.vit.model import gather
from repscope.errors import UnfitData, WrongUsage
from repscope.lab import masks, views
from repscope.lab.chance import Chance
from repscope.lab.objectives.mae import MaskedAutoencoder
from repscope.lab.objectives.vjepa import moments


@pytest.fixture
def images(stripes):
    return views.normalised(stripes.pixels[:8])


def drawing(seed: int = 0) -> torch.Generator:
    """Draws as a batch's chance makes them."""
    return Chance(seed, 8).generator


def standardised(x: torch.Tensor) -> torch.Tensor:
    """Each token with mean 0 and variance 1, in float64."""
    x = x.double()
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()


class TestMaskedAutoencoder:
    def test_targets_have_mean_zero_and_variance_one_whatever_brightness_and_contrast(self, seeded):
        patches = 3 + 5 * torch.randn(4, 6, 48, generator=seeded(0))
        target = MaskedAutoencoder.target(patches)
        torch.testing.assert_close(target.mean(-1), torch.zeros(4, 6), atol=1e-5, rtol=0)
        torch.testing.assert_close(target.var(-1), torch.ones(4, 6), atol=1e-4, rtol=0)
        torch.testing.assert_close(MaskedAutoencoder.target(2 * patches + 1), target, atol=1e-4, rtol=0)

    def test_a_target_worked_out_by_hand(self):
        target = MaskedAutoencoder.target(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]))
        wanted = (torch.tensor([1.0, 2.0, 3.0, 4.0]) - 2.5) / (5 / 3 + 1e-6) ** 0.5
        torch.testing.assert_close(target[0, 0], wanted)

    def test_a_flat_patch_asks_for_nothing(self):
        assert (MaskedAutoencoder.target(torch.full((1, 2, 48), 0.7)) == 0).all()

    def test_the_loss_is_zero_for_the_right_picture_and_the_square_of_what_it_is_off(self, recipe, images):
        objective = made("mae", recipe)
        answer = MaskedAutoencoder.target(objective.encoder.cut(images))
        objective.decoder = Painter(answer)
        assert objective.loss(seen((images,))).item() == 0
        objective.decoder = Painter(answer, off=0.5)
        assert objective.loss(seen((images,))).item() == pytest.approx(0.25, abs=1e-6)

    def test_the_loss_is_of_hidden_patches_pixels_normalised(self, recipe, images):
        """Patches cut by numpy, means and deviations in float64."""
        objective = made("mae", recipe)
        shown, asked = masks.scattered(8, 16, 0.75, drawing(4))
        cells = images.double().numpy().reshape(8, 3, 4, 4, 4, 4).transpose(0, 2, 4, 1, 3, 5).reshape(8, 16, 48)
        hidden = np.take_along_axis(cells, asked.numpy()[..., None], 1)
        target = (hidden - hidden.mean(-1, keepdims=True)) / np.sqrt(hidden.var(-1, ddof=1, keepdims=True) + 1e-6)
        with torch.no_grad():
            painted = objective.decoder(objective.encoder.encode(images, shown), shown, asked).double().numpy()
        wanted = np.square(painted - target).mean()
        assert objective.loss(seen((images,), 4)).item() == pytest.approx(wanted, rel=1e-5)

    def test_only_shown_pixels_reach_the_prediction(self, recipe, images):
        objective = made("mae", recipe)
        shown, asked = masks.scattered(8, 16, 0.75, drawing(4))
        pixels = images.clone().requires_grad_()
        objective.decoder(objective.encoder.encode(pixels, shown), shown, asked).square().sum().backward()
        moved = objective.encoder.cut(pixels.grad).abs().sum(-1)
        assert (gather(moved[..., None], asked) == 0).all()
        assert (gather(moved[..., None], shown) > 0).all()

    def test_the_encoder_sees_a_quarter(self, recipe, images, monkeypatch):
        objective, kept = made("mae", recipe), []
        encode = objective.encoder.encode
        monkeypatch.setattr(objective.encoder, "encode", lambda x, keep: kept.append(keep.shape) or encode(x, keep))
        objective.loss(seen((images,)))
        assert kept == [(8, 4)]

    def test_a_mask_that_leaves_no_context_is_refused_before_an_image_is_seen(self, recipe):
        with pytest.raises(UnfitData, match="A mask of 99% leaves 0 of 16 patches to see; choose a share"):
            made("mae", recipe, hidden=0.99)


class TestJointEmbeddingPrediction:
    def test_the_loss_is_of_normalised_teacher_tokens_of_the_whole_image(self, recipe, images):
        objective = made("ijepa", recipe)
        with torch.no_grad():  # a teacher of its own, whose tokens are far from normalised
            for p in objective.teacher.parameters():
                p.add_(0.05)
            objective.teacher.norm.weight.mul_(7)
        shown, asked = masks.blocks(8, (4, 4), drawing(2))
        with torch.no_grad():
            tokens = objective.encoder.encode(images, shown)
            taught = standardised(objective.teacher(images)[0])
            parts = [
                smooth_l1_loss(objective.predictor(tokens, shown, block).double(), gather(taught, block))
                for block in asked
            ]
        wanted = torch.stack(parts).mean().item()
        assert objective.loss(seen((images,), 2)).item() == pytest.approx(wanted, rel=1e-5)

    def test_smooth_l1_by_hand(self, recipe, images):
        """Off by .5 everywhere it costs .125; off by 3, 2.5."""
        objective = made("ijepa", recipe)
        with torch.no_grad():
            answer = standardised(objective.teacher(images)[0]).float()
        for off, wanted in ((0.0, 0.0), (0.5, 0.125), (3.0, 2.5)):
            objective.predictor = Painter(answer.repeat(4, 1, 1), off)
            assert objective.loss(seen((images,))).item() == pytest.approx(wanted, abs=1e-5)

    def test_the_scale_and_offset_of_the_teacher_are_not_asked(self, recipe, images):
        objective = made("ijepa", recipe)
        before = objective.loss(seen((images,), 2)).item()
        with torch.no_grad():
            objective.teacher.norm.weight.mul_(7)
            objective.teacher.norm.bias.add_(3)
        assert objective.loss(seen((images,), 2)).item() == pytest.approx(before, rel=1e-4)

    def test_targets_are_never_among_what_the_encoder_is_shown(self, recipe, images, monkeypatch):
        objective, kept = made("ijepa", recipe), []
        encode, foresee = objective.encoder.encode, objective.predictor.forward
        monkeypatch.setattr(objective.encoder, "encode", lambda x, keep: kept.append(keep) or encode(x, keep))
        monkeypatch.setattr(
            objective.predictor, "forward", lambda x, shown, asked: kept.append(asked) or foresee(x, shown, asked)
        )
        objective.loss(seen((images,)))
        shown, asked = kept[0], kept[1].unflatten(0, (4, 8)).transpose(0, 1).flatten(1)
        for image in range(8):
            assert not set(shown[image].tolist()) & set(asked[image].tolist())

    def test_a_grid_without_room_for_a_context_is_refused_before_an_image_is_seen(self, recipe):
        shape = replace(recipe.architecture, grid=(1, 1), patch=16)
        with pytest.raises(UnfitData, match="leave no context on a grid of 1 x 1"):
            made("ijepa", replace(recipe, architecture=shape, view=0, local=0))

    def test_without_a_stop_the_encoder_is_its_own_teacher(self, recipe, images):
        objective = made("ijepa", recipe, stop=False)
        assert objective.result is objective.encoder
        with torch.no_grad():
            before = objective.loss(seen((images,))).item()
            for p in objective.teacher.parameters():
                p.zero_()
            assert objective.loss(seen((images,))).item() == before


class TestVideoPrediction:
    def test_a_clip_of_one_frame_is_the_still_image(self, recipe, images):
        objective = made("vjepa", recipe, frames=1)
        assert (moments(3, 16)[0] == 0).all()
        with torch.no_grad():
            torch.testing.assert_close(
                objective._encoded(objective.encoder, images[:, None]), objective.encoder(images)[0], atol=1e-6, rtol=0
            )

    def test_the_first_frame_of_a_clip_is_embedded_as_a_still(self, recipe, images, monkeypatch):
        objective, through = made("vjepa", recipe), []
        monkeypatch.setattr(objective.encoder, "through", lambda x: through.append(x) or x)
        clips = torch.stack([images, images.flip(3), images.flip(2)], 1)
        objective._encoded(objective.encoder, clips)
        torch.testing.assert_close(through[0][:, :16], objective.encoder.embed(images))
        later = objective.encoder.embed(images.flip(3)) + moments(3, 16)[1]
        torch.testing.assert_close(through[0][:, 16:32], later)

    def test_moments_by_hand(self):
        table = moments(3, 4)
        for t in range(3):
            wanted = [np.sin(t), np.sin(t / 100), np.cos(t) - 1, np.cos(t / 100) - 1]
            np.testing.assert_allclose(table[t], wanted, atol=1e-6)

    def test_tubes_are_the_same_places_in_every_frame(self, recipe):
        objective = made("vjepa", recipe)
        shown, asked = masks.scattered(8, 16, 0.75, drawing())
        for places in (shown, asked):
            frames = objective._tubes(places, (4, 4)).unflatten(1, (3, -1))
            for t in range(3):
                assert torch.equal(frames[:, t], places + 16 * t)

    def test_the_loss_is_the_distance_from_normalised_teacher_tokens_of_the_whole_clip(self, recipe, stripes):
        objective = made("vjepa", recipe)
        with torch.no_grad():
            objective.teacher.patch.weight.mul_(5)
            objective.teacher.norm.weight.mul_(7)
        made_of = batch(objective, stripes.pixels[:8], seed=3)
        (clips,) = made_of.views
        assert clips.shape == (8, 3, 3, 16, 16)
        again = Chance(3, 8)
        objective.views(stripes.pixels[:8], again)
        shown, asked = masks.scattered(8, 16, 0.75, again.generator)
        shown, asked = (torch.cat([places, places + 16, places + 32], 1) for places in (shown, asked))
        with torch.no_grad():
            embedded = torch.cat([objective.teacher.embed(clips[:, t]) + moments(3, 16)[t] for t in range(3)], 1)
            taught = standardised(objective.teacher.through(embedded))
            embedded = torch.cat([objective.encoder.embed(clips[:, t]) + moments(3, 16)[t] for t in range(3)], 1)
            tokens = objective.encoder.through(gather(embedded, shown))
            width = objective.predictor.places.shape[-1]
            places = torch.cat([objective.predictor.places + moments(3, width)[t] for t in range(3)])
            foreseen = objective.predictor(tokens, shown, asked, places).double()
        wanted = (foreseen - gather(taught, asked)).abs().mean().item()
        assert objective.loss(made_of).item() == pytest.approx(wanted, rel=1e-5)

    def test_a_mask_of_its_own_grid_that_leaves_no_context_is_refused_before_an_image_is_seen(self, recipe):
        """Frames are cut at the side of a view, and so are the places that are masked."""
        made("vjepa", recipe, hidden=0.9)
        with pytest.raises(UnfitData, match="A mask of 90% leaves 0 of 4 patches to see"):
            made("vjepa", replace(recipe, view=8), hidden=0.9)

    def test_turned_positions_leave_no_place_for_time(self, recipe):
        shape = replace(recipe.architecture, position="rotary")
        with pytest.raises(
            WrongUsage, match="vjepa wants an encoder with sincos or learned positions; this has rotary"
        ):
            made("vjepa", replace(recipe, architecture=shape))
