"""Which part of a photo is shown, and that what is reported is what was shown."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.encoders.contract import Preprocessing
from repscope.encoders.preprocess import central, normalised, prepared, resized
from repscope.errors import UnknownName, WrongUsage
from repscope.frames import Frame
from repscope.images import Photo

PLAIN = Preprocessing(size=32, resize="squash", filter="bilinear", mean=(0.0, 0.0, 0.0), deviation=(1.0, 1.0, 1.0))
SHORTEST = replace(PLAIN, resize="shortest", edge=40)
FILTERS = ["bicubic", "bilinear", "bilinear-float"]


def places(width, height):
    """A photo whose red is the column and whose green is the row, as fractions of 255."""
    rows, columns = np.mgrid[0:height, 0:width]
    red, green = 255 * (columns + 0.5) / width, 255 * (rows + 0.5) / height
    return Photo("places", np.rint(np.stack([red, green, np.zeros_like(red)], -1)).astype(np.uint8))


@given(st.integers(8, 300), st.integers(8, 300), st.sampled_from(["square", "squash", "shortest"]))
@settings(max_examples=60, deadline=None)
def test_the_frame_reported_is_the_part_shown(width, height, way):
    """Read off the pixels themselves: the middle of the first and last row and column."""
    rule = SHORTEST if way == "shortest" else PLAIN
    shown, (frame,) = prepared([places(width, height)], rule, "square" if way == "square" else "official")
    red, green = shown[0, 0].numpy(), shown[0, 1].numpy()
    middle_across = frame.left + frame.width * (np.arange(32) + 0.5) / 32
    middle_down = frame.top + frame.height * (np.arange(32) + 0.5) / 32
    inner = slice(4, -4)  # at the rim the filter sees the photo end
    step = 1 / 255 + 0.5 / min(width, height)  # half a pixel is as well as a small photo can say
    assert np.abs(red.mean(0) - middle_across)[inner].max() < step
    assert np.abs(green.mean(1) - middle_down)[inner].max() < step


@given(st.integers(8, 999), st.integers(8, 999))
@settings(max_examples=60, deadline=None)
def test_the_square_is_the_central_one_to_half_a_pixel(width, height):
    photo = Photo("", np.zeros((height, width, 3), np.uint8))
    _, (frame,) = prepared([photo], replace(PLAIN, size=8), "square")
    exact = Frame.square(width, height)
    assert abs(frame.left - exact.left) <= 0.5 / width + 1e-12
    assert abs(frame.top - exact.top) <= 0.5 / height + 1e-12
    assert frame.width * width == pytest.approx(min(width, height))
    assert frame.height * height == pytest.approx(min(width, height))


@pytest.mark.parametrize("size", [(101, 64), (64, 101), (64, 64)])
@pytest.mark.parametrize("filter_", FILTERS)
def test_the_square_has_no_eye_for_what_lies_outside(photo, size, filter_):
    whole = photo(*size)
    left, top, right, bottom = central(*size, 64)
    alone = Photo("", np.ascontiguousarray(whole.pixels[top:bottom, left:right]))
    rule = replace(PLAIN, filter=filter_)
    assert torch.equal(prepared([whole], rule, "square")[0], prepared([alone], rule, "official")[0])


def test_every_rule_is_shown_the_same_square(rules, photo):
    frames = {prepared([photo(333, 500)], rule, "square")[1] for rule in rules.values()}
    assert len(frames) == 1


def test_official_frames_are_those_of_the_integers_used(rules, photo):
    shown = {name: prepared([photo(500, 375)], rules[name], "official")[1][0] for name in ("dinov2", "clip", "vit")}
    assert shown["dinov2"] == Frame(58 / 341, 16 / 256, 282 / 341, 240 / 256)  # 500 * 256 / 375 is 341.3
    assert shown["clip"] == Frame(37 / 298, 0.0, 261 / 298, 1.0)
    assert shown["vit"] == Frame()


@pytest.mark.parametrize("name", ["dinov2", "siglip", "dinov3", "vjepa2"])
@pytest.mark.parametrize("framing", ["square", "official"])
def test_a_photo_is_prepared_alike_in_any_company(rules, photo, name, framing):
    photos = [photo(120, 80, seed) for seed in range(3)] + [photo(80, 130)]
    together, frames = prepared(photos, rules[name], framing)
    for k, one in enumerate(photos):
        alone, (frame,) = prepared([one], rules[name], framing)
        assert torch.equal(together[k], alone[0])
        assert frames[k] == frame


def test_no_photo_gives_no_pixels(rules):
    pixels, frames = prepared([], rules["dinov2"], "square")
    assert pixels.shape == (0, 3, 224, 224)
    assert frames == ()


def test_photos_that_cannot_be_written_are_read(photo, rules):
    one = photo(40, 30)
    one.pixels.flags.writeable = False
    before = one.pixels.copy()
    for rule in rules.values():
        for framing in ("square", "official"):
            pixels, _ = prepared([one], rule, framing)
            pixels += 1  # what comes out can be written
            assert (one.pixels == before).all()


@pytest.mark.parametrize("filter_", FILTERS)
def test_a_flat_colour_stays_one_and_keeps_its_channels(filter_):
    rule = replace(PLAIN, filter=filter_, mean=(0.1, 0.2, 0.3), deviation=(0.5, 0.25, 0.2))
    flat = Photo("", np.full((50, 70, 3), (255, 102, 51), np.uint8))
    pixels, _ = prepared([flat], rule, "square")
    wanted = torch.tensor([(1 - 0.1) / 0.5, (0.4 - 0.2) / 0.25, (0.2 - 0.3) / 0.2])
    assert torch.allclose(pixels, wanted[:, None, None].expand(3, 32, 32), atol=1e-6)


@pytest.mark.parametrize("filter_", FILTERS)
def test_the_same_size_is_the_same_picture(photo, filter_):
    one = photo(32, 32).pixels
    same = resized(one, 32, 32, filter_)
    assert np.allclose(same * (255 if filter_ == "bilinear-float" else 1), one, atol=1e-4)


def test_height_and_width_are_in_this_order(photo):
    assert resized(photo(60, 40).pixels, 10, 20, "bicubic").shape == (10, 20, 3)
    assert resized(photo(60, 40).pixels, 10, 20, "bilinear-float").shape == (10, 20, 3)


def test_levels_looked_up_are_the_same_bits_as_levels_computed(rules):
    levels = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, 2)
    for rule in rules.values():
        unit = (levels.astype(np.float64) * (1 / 255)).astype(np.float32)
        assert np.array_equal(normalised(levels, rule), normalised(unit, rule))


def test_rules_that_cannot_be_followed_say_so(photo):
    one = [photo(40, 30)]
    with pytest.raises(WrongUsage, match="says 20"):
        prepared(one, replace(SHORTEST, edge=20), "official")
    # A TypeError where the signatures are checked at run time; both name what there is.
    with pytest.raises((UnknownName, TypeError), match="bicubic"):
        prepared(one, replace(PLAIN, filter="bicubik"), "square")
    with pytest.raises((UnknownName, TypeError), match="official"):
        prepared(one, PLAIN, "oficial")
