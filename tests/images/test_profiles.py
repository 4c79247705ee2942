"""Colour profiles: what they move, and what becomes of one that does not fit."""

import numpy as np
import pytest
from decoded import STORED, exif, photo
from PIL import Image, ImageCms


def srgb(linear):
    """The standard's own curve, 0..1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def test_a_profile_moves_the_colours_to_srgb(encode, corners, rgb_profile):
    made = photo(encode(corners, icc_profile=rgb_profile((1, 0, 2))))
    linear = corners[:, :, [1, 0, 2]] / 255  # its red is our green
    assert np.abs(made.pixels - 255 * srgb(linear)).max() <= 2
    assert made.notes == ("colours from profile 'of a test'",)


def test_a_profile_of_srgb_leaves_every_bit_alone(encode, smooth):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = photo(encode(smooth, icc_profile=profile))
    assert np.array_equal(made.pixels, smooth)
    assert made.notes == ()


def test_a_profile_of_greys(encode, grey_profile):
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16)
    wanted = np.repeat(255 * srgb(greys[:, :, None] / 255), 3, 2)
    made = photo(encode(greys, icc_profile=grey_profile))
    assert np.abs(made.pixels - wanted).max() <= 1.5
    veiled = Image.merge("LA", [Image.fromarray(greys), Image.new("L", (16, 16), 255)])
    assert np.array_equal(photo(encode(veiled, icc_profile=grey_profile)).pixels, made.pixels)


def test_greys_with_a_profile_of_colours_go_along_its_grey_axis(encode, rgb_profile):
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16)
    made = photo(encode(greys, icc_profile=rgb_profile()))
    assert np.abs(made.pixels[:, :, 0] - 255 * srgb(greys / 255)).max() <= 1.5


def test_a_palette_goes_through_its_profile(encode, corners, rgb_profile):
    made = photo(encode(Image.fromarray(corners).quantize(8), icc_profile=rgb_profile((1, 0, 2))))
    assert np.abs(made.pixels[0, 0].astype(int) - (0, 255, 0)).max() <= 1
    assert made.notes == ("from a palette", "colours from profile 'of a test'")


def test_alpha_is_laid_over_white_after_the_profile(encode, corners, rgb_profile):
    rgba = np.dstack([corners, np.full((24, 40), 51, np.uint8)])
    made = photo(encode(rgba, icc_profile=rgb_profile((1, 0, 2))))
    assert np.abs(made.pixels[0, 0].astype(int) - (204, 255, 204)).max() <= 1


def test_a_profile_of_inks(encode, cmyk_profile):
    inks = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    red = photo(encode(inks, "TIFF", icc_profile=cmyk_profile))
    assert red.pixels[0, 0, 0] > 100 > 30 > red.pixels[0, 0, 1:].max()  # and no cyan
    assert red.notes == ("from CMYK", "colours from profile 'of a test'")


@pytest.mark.parametrize("which", ["grey", "cmyk", "garbage", "cut"])
def test_a_profile_that_does_not_fit_is_ignored_and_noted(
    encode, corners, grey_profile, cmyk_profile, rgb_profile, which
):
    profile = {"grey": grey_profile, "cmyk": cmyk_profile, "garbage": b"no profile", "cut": rgb_profile()[:200]}[which]
    made = photo(encode(corners, icc_profile=profile))
    assert np.array_equal(made.pixels, corners)
    assert made.notes[0].startswith("colour profile ignored: ")


def test_inks_with_a_profile_of_screens(encode, rgb_profile):
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    made = photo(encode(inks, "TIFF", icc_profile=rgb_profile((1, 0, 2))))
    assert made.pixels[0, 0].tolist() == [255, 0, 0]
    assert made.notes[-1] == "colour profile ignored: it is for RGB, the pixels are CMYK"


def test_turned_and_transparent_and_profiled_at_once(encode, corners, rgb_profile):
    rgba = np.dstack([corners, np.full((24, 40), 255, np.uint8)])
    rgba[-8:, :8, 3] = 0
    stored = np.ascontiguousarray(STORED[6](rgba))
    made = photo(encode(stored, exif=exif(6), icc_profile=rgb_profile((1, 0, 2))))
    assert made.size == (40, 24)
    assert np.abs(made.pixels[0, 0].astype(int) - (0, 255, 0)).max() <= 1
    assert made.pixels[-1, 0].tolist() == [255, 255, 255]
    assert len(made.notes) == 3
