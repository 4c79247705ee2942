"""Views: the identity where nothing is cut, and always the photo's own colours."""

import pytest
import torch

from repscope.encoders.contract import IMAGENET
from repscope.lab import views

WHOLE = {"scale": (1.0, 1.0), "aspect": (1.0, 1.0)}


def noise(count: int, side: int = 16) -> torch.Tensor:
    return torch.randint(0, 256, (count, 3, side, side), generator=torch.Generator().manual_seed(9)).byte()


def of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_pixels_are_normalised_by_the_statistics_that_the_contract_tells():
    pixels = noise(2)
    for channel, (mean, deviation) in enumerate(zip(IMAGENET["mean"], IMAGENET["deviation"], strict=True)):
        wanted = (pixels[:, channel].double() / 255 - mean) / deviation
        torch.testing.assert_close(views.normalised(pixels)[:, channel].double(), wanted, atol=1e-6, rtol=0)


def test_a_crop_of_the_whole_is_the_image_or_its_mirror():
    pixels = noise(64)
    seen, plain = views.cropped(pixels, of(0), **WHOLE), views.normalised(pixels)
    same = (seen - plain).abs().flatten(1).amax(1) < 1e-4
    mirrored = (seen - plain.flip(3)).abs().flatten(1).amax(1) < 1e-4
    assert (same ^ mirrored).all()
    assert 20 <= int(mirrored.sum()) <= 44


def test_half_are_mirrored():
    ramp = torch.arange(8).mul(30).byte().expand(4000, 3, 8, 8)
    seen = views.cropped(ramp, of(0), (0.3, 1.0))
    mirrored = float((seen[:, 0, 0, 0] > seen[:, 0, 0, -1]).float().mean())
    assert abs(mirrored - 0.5) < 4 * (0.25 / 4000) ** 0.5


def test_the_seed_decides():
    pixels = noise(8)
    first, again, other = (views.cropped(pixels, of(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_colours_stay_between_those_of_the_photo():
    pixels = noise(64)
    plain, seen = views.normalised(pixels), views.cropped(pixels, of(3), (0.05, 1.0))
    low, high = plain.amin((2, 3), keepdim=True), plain.amax((2, 3), keepdim=True)
    assert seen.dtype == torch.float32
    assert seen.shape == plain.shape
    assert (seen >= low - 1e-5).all()
    assert (seen <= high + 1e-5).all()


@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_a_crop_has_the_asked_share_of_the_area(share):
    """On a linear ramp the range of what is seen is the side of what was cut."""
    side = 64
    ramp = torch.arange(side).mul(3).byte()
    across, down = ramp.expand(200, 3, side, side), ramp[:, None].expand(200, 3, side, side)
    spans = []
    for pixels in (across, down):
        seen = views.cropped(pixels, of(5), (share, share), (1.0, 1.0))[:, 0]
        levels = seen * 0.229 * 255 / 3
        spans.append((levels.flatten(1).amax(1) - levels.flatten(1).amin(1)) / (side - 1))
    torch.testing.assert_close(spans[0] * spans[1], torch.full((200,), share), atol=0.02, rtol=0)
