"""Views: the identity where nothing is changed, the formula where something is, and always the photo's own."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from repscope.encoders.contract import IMAGENET
from repscope.lab import views
from repscope.lab.chance import Chance

WHOLE = {"scale": (1.0, 1.0), "aspect": (1.0, 1.0)}


def noise(count: int, side: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, side, side), generator=torch.Generator().manual_seed(9)).byte()


def ramps(count: int, side: int, step: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Photos that rise from left to right, and from top to bottom."""
    ramp = torch.arange(side).mul(step).byte()
    return ramp.expand(count, 3, side, side), ramp[:, None].expand(count, 3, side, side)


class Always(Chance):
    """Draws that all come out at this share of their range."""

    def __init__(self, count: int, share: float):
        super().__init__(0, count)
        self.share = share

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.full((self.count, *shape), low + (high - low) * self.share)


class TestNormalised:
    def test_by_the_statistics_that_the_contract_tells(self):
        pixels = noise(2)
        for channel, (mean, deviation) in enumerate(zip(IMAGENET["mean"], IMAGENET["deviation"], strict=True)):
            wanted = (pixels[:, channel].double() / 255 - mean) / deviation
            torch.testing.assert_close(views.normalised(pixels)[:, channel].double(), wanted, atol=1e-6, rtol=0)

    def test_shares_and_bytes_are_the_same(self):
        pixels = noise(2)
        torch.testing.assert_close(views.normalised(pixels.float() / 255), views.normalised(pixels))


class TestCropped:
    def test_a_crop_of_the_whole_is_the_image_or_its_mirror(self):
        pixels = noise(64)
        seen, plain = views.cropped(pixels, Chance(0, 64), 16, **WHOLE), pixels.float() / 255
        same = (seen - plain).abs().flatten(1).amax(1) < 1e-4
        mirrored = (seen - plain.flip(3)).abs().flatten(1).amax(1) < 1e-4
        assert (same ^ mirrored).all()
        assert 20 <= int(mirrored.sum()) <= 44

    def test_half_are_mirrored(self):
        across, _ = ramps(4000, 8, 30)
        seen = views.cropped(across, Chance(0, 4000), 8)
        mirrored = float((seen[:, 0, 0, 0] > seen[:, 0, 0, -1]).float().mean())
        assert abs(mirrored - 0.5) < 4 * (0.25 / 4000) ** 0.5

    def test_the_seed_decides(self):
        first, again, other = (views.cropped(noise(8), Chance(seed, 8), 16) for seed in (1, 1, 2))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_colours_stay_between_those_of_the_photo(self):
        pixels = noise(64)
        plain, seen = pixels.float() / 255, views.cropped(pixels, Chance(3, 64), 16, (0.05, 1.0))
        low, high = plain.amin((2, 3), keepdim=True), plain.amax((2, 3), keepdim=True)
        assert seen.dtype == torch.float32
        assert seen.shape == plain.shape
        assert (seen >= low - 1e-5).all()
        assert (seen <= high + 1e-5).all()

    @pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
    def test_it_has_the_asked_share_of_the_area(self, share):
        """On a linear ramp the range of what is seen is the side of what was cut."""
        side, spans = 64, []
        for pixels in ramps(200, side):
            levels = views.cropped(pixels, Chance(5, 200), side, (share, share), (1.0, 1.0))[:, 0] * 255 / 3
            spans.append((levels.flatten(1).amax(1) - levels.flatten(1).amin(1)) / (side - 1))
        torch.testing.assert_close(spans[0] * spans[1], torch.full((200,), share), atol=0.02, rtol=0)

    def test_it_is_wider_than_high_by_the_aspect(self):
        side, spans = 64, []
        for pixels in ramps(50, side):
            levels = views.cropped(pixels, Chance(5, 50), side, (0.4, 0.4), (4 / 3, 4 / 3))[:, 0] * 255 / 3
            spans.append((levels.flatten(1).amax(1) - levels.flatten(1).amin(1)) / (side - 1))
        torch.testing.assert_close(spans[0] / spans[1], torch.full((50,), 4 / 3), atol=0.05, rtol=0)

    def test_another_size_sees_the_same(self):
        """A ramp seen at a quarter of the size is the same ramp, at its coarser places."""
        across, _ = ramps(1, 64)
        small = views.cropped(across, Always(1, 0.9), 16, **WHOLE)[0, 0, 0] * 255 / 3
        torch.testing.assert_close(small, torch.arange(16) * 4 + 1.5, atol=1e-3, rtol=0)


class TestClip:
    def levels(self, frames: int, count: int = 40, side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
        """Per clip and frame, centre and reach of the camera, across and down, in pixels: (n, T, 2) each."""
        centres, reaches = [], []
        for pixels in ramps(count, side):
            # no reflection at the rim within the inner half of a frame
            shown = views.clip(pixels, Chance(2, count), side, frames, (0.3, 0.8))[:, :, 0] * 255 / 3
            shown = shown[..., side // 4 : -side // 4, side // 4 : -side // 4].flatten(2)
            centres.append((shown.amax(2) + shown.amin(2)) / 2)
            reaches.append(shown.amax(2) - shown.amin(2))
        return torch.stack(centres, 2), torch.stack(reaches, 2)

    def test_it_pans_and_zooms_evenly(self):
        centres, reaches = self.levels(4)
        for course in (centres, reaches):
            moves = course.diff(dim=1)
            torch.testing.assert_close(moves, moves[:, :1].expand_as(moves), atol=2e-3, rtol=0)
            assert (moves[:, 0].abs().amax(1) > 0.5).float().mean() > 0.6  # and it does move

    def test_its_windows_are_square_and_within_the_photo(self):
        centres, reaches = self.levels(3)
        torch.testing.assert_close(reaches[..., 0], reaches[..., 1], atol=2e-3, rtol=0)
        half = reaches * 64 / 31 / 2  # of a whole frame, from the inner half's 31 steps
        assert (centres - half > -0.51).all()
        assert (centres + half < 63.51).all()

    def test_all_frames_are_mirrored_or_none(self):
        across, _ = ramps(200, 16, 15)
        shown = views.clip(across, Chance(0, 200), 16, 3, (0.3, 0.8))[:, :, 0, 8]
        mirrored = shown[..., 4] > shown[..., 11]
        assert (mirrored == mirrored[:, :1]).all()
        assert 70 < int(mirrored[:, 0].sum()) < 130

    def test_its_first_frame_is_a_still(self):
        pixels = noise(8)
        still, moving = (views.clip(pixels, Chance(4, 8), 16, frames) for frames in (1, 3))
        assert still.shape == (8, 1, 3, 16, 16)
        assert torch.equal(still[:, 0], moving[:, 0])


class TestColoured:
    def test_a_strength_of_zero_is_the_identity(self):
        images = noise(16).float() / 255
        torch.testing.assert_close(views.coloured(images, Chance(0, 16), strength=0.0), images, atol=1e-5, rtol=0)

    def test_a_share_of_zero_is_the_identity(self):
        images = noise(16).float() / 255
        torch.testing.assert_close(views.coloured(images, Chance(0, 16), share=0.0), images, atol=1e-5, rtol=0)

    def test_turning_the_hue_leaves_grey_alone_and_returns_after_a_full_turn(self):
        angles = torch.linspace(-3, 3, 13)
        grey = torch.full((13, 3), 0.37)
        turned = views._turned(angles)
        torch.testing.assert_close(torch.einsum("bij,bj->bi", turned, grey), grey, atol=1e-3, rtol=0)
        torch.testing.assert_close(views._turned(torch.tensor([2 * np.pi]))[0], torch.eye(3), atol=1e-4, rtol=0)
        twice = views._turned(angles / 2)
        torch.testing.assert_close(twice @ twice, turned, atol=1e-4, rtol=0)
        assert (turned[0] - torch.eye(3)).abs().max() > 0.5

    def test_turning_the_hue_keeps_the_luminance(self):
        colours = torch.rand(50, 3, generator=torch.Generator().manual_seed(0))
        turned = torch.einsum("ij,bj->bi", views._turned(torch.tensor([1.3]))[0], colours)
        weights = torch.tensor(views.GREY)
        torch.testing.assert_close(turned @ weights, colours @ weights, atol=1e-3, rtol=0)

    @pytest.mark.parametrize("share", [0.1, 0.9])
    def test_brightness_contrast_and_saturation_by_the_formula(self, share):
        """All three factors drawn alike, and no turn: worked out in float64, step by step."""
        chance = Always(4, share)
        factor = 1 + 0.4 * (2 * share - 1)
        chance.coins = lambda part, *shape: torch.full((4, *shape), float(bool(shape)))  # the turn's coin has no shape
        images = noise(4).float() / 255
        x = images.double().numpy()
        grey = np.array(views.GREY)[:, None, None]
        x = (x * factor).clip(0, 1)
        mean = (x * grey).sum(1).mean((1, 2))[:, None, None, None]
        x = (mean + factor * (x - mean)).clip(0, 1)
        light = (x * grey).sum(1, keepdims=True)
        wanted = (light + factor * (x - light)).clip(0, 1)
        seen = views.coloured(images, chance, share=1.0)
        torch.testing.assert_close(seen.double(), torch.from_numpy(wanted), atol=1e-5, rtol=0)

    def test_shares_stay_shares_and_most_are_changed(self):
        images = noise(400, 4).float() / 255
        seen = views.coloured(images, Chance(0, 400))
        assert ((seen >= 0) & (seen <= 1)).all()
        changed = float(((seen - images).abs().flatten(1).amax(1) > 1e-3).float().mean())
        assert abs(changed - (1 - 0.2**2)) < 0.04  # neither the factors' coin nor the turn's


class TestGreyed:
    def test_some_are_grey_by_luminance_and_the_rest_untouched(self):
        images = noise(500, 4).float() / 255
        seen = views.greyed(images, Chance(0, 500), 0.2)
        changed = (seen != images).flatten(1).any(1)
        assert 70 < int(changed.sum()) < 130
        light = (0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2])[:, None].expand_as(images)
        torch.testing.assert_close(seen[changed], light[changed])
        assert torch.equal(seen[~changed], images[~changed])


class TestBlurred:
    def test_a_constant_stays(self):
        images = torch.full((4, 3, 16, 16), 0.3)
        torch.testing.assert_close(views.blurred(images, Chance(0, 4), 1.0), images, atol=1e-6, rtol=0)

    def test_a_point_becomes_the_bell(self):
        image = torch.zeros(1, 3, 15, 15)
        image[..., 7, 7] = 1
        bell = np.exp(-(np.arange(-2, 3) ** 2) / 2)
        bell /= bell.sum()
        seen = views.blurred(image, Chance(0, 1), 1.0)[0, 0, 5:10, 5:10].numpy()
        np.testing.assert_allclose(seen, np.outer(bell, bell), atol=1e-6)

    def test_it_agrees_with_pillow_in_the_middle(self):
        pixels = noise(1, 32)
        image = Image.fromarray(pixels[0].permute(1, 2, 0).numpy()).filter(ImageFilter.GaussianBlur(1.5))
        seen = views.blurred(pixels.float() / 255, Chance(0, 1), 1.0, sigma=1.5)[0].permute(1, 2, 0) * 255
        off = np.abs(seen.numpy() - np.asarray(image))[6:-6, 6:-6]
        assert off.mean() < 2.0  # Pillow's own is of three boxes
        assert np.abs(pixels[0].permute(1, 2, 0).numpy().astype(float) - np.asarray(image))[6:-6, 6:-6].mean() > 20


class TestSolarised:
    def test_by_the_formula(self):
        images = torch.tensor([0.0, 0.2, 0.5, 0.55, 1.0]).expand(2, 3, 5, 5)
        wanted = torch.tensor([0.0, 0.2, 0.5, 0.45, 0.0]).expand(2, 3, 5, 5)
        torch.testing.assert_close(views.solarised(images, Chance(0, 2), 1.0), wanted)
        assert torch.equal(views.solarised(images, Chance(0, 2), 0.0), images)


def test_a_distorted_view_is_all_of_it_in_order_and_normalised():
    pixels = noise(8)
    seen, chance = views.distorted(pixels, Chance(3, 8), 12, (0.5, 1.0), blur=0.5, solar=0.2), Chance(3, 8)
    wanted = views.coloured(views.cropped(pixels, chance, 12, (0.5, 1.0)), chance)
    wanted = views.solarised(views.blurred(views.greyed(wanted, chance), chance, 0.5), chance, 0.2)
    assert torch.equal(seen, views.normalised(wanted))
