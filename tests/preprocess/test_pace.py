"""The fast pace shows an encoder what the exact one does, to two grey levels, and the same part of the photo."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from repscope.encoders.preprocess import prepared, resized
from repscope.images import Photo, gather
from repscope.images.decode import decode

FRAMINGS = ("official", "square")
MOST = 2


def apart(one, rule, framing):
    """The most grey levels between the paces, and whether the frames are the same."""
    exact, frames = prepared([replace(one, pace="exact")], rule, framing)
    fast, others = prepared([replace(one, pace="fast")], rule, framing)
    levels = (exact - fast).abs() * 255 * torch.tensor(rule.deviation)[:, None, None]
    return levels.max().item(), frames == others


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", ["dinov2", "clip", "siglip", "vit", "ijepa-448", "vjepa2", "dinov3"])
def test_any_shape_is_at_most_two_levels_apart(any_photo, rules, name, framing):
    levels, same = apart(any_photo, rules[name], framing)
    assert levels <= MOST + 1e-3
    assert same


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [(500, 375), (640, 427), (151, 203), (1501, 999)])
def test_files_are_at_most_two_levels_apart(rules, size, framing, tmp_path):
    for photo in gather()[0]:
        for quality in (30, 95):
            file = tmp_path / f"{photo.id}-{quality}.jpg"
            Image.fromarray(photo.pixels).resize(size).save(file, quality=quality)
            exact, fast = (decode(file.read_bytes(), id="x", source="x", pace=pace) for pace in ("exact", "fast"))
            for name in ("dinov2", "vit", "dinov3"):
                pixels = [prepared([each], rules[name], framing)[0] for each in (exact, fast)]
                levels = (pixels[0] - pixels[1]).abs() * 255 * torch.tensor(rules[name].deviation)[:, None, None]
                assert levels.max() <= MOST + 1e-3


SIDES = st.integers(8, 90)


@settings(deadline=None, max_examples=120)
@given(
    SIDES.flatmap(lambda height: SIDES.flatmap(lambda width: arrays(np.uint8, (height, width, 3)))),
    SIDES,
    SIDES,
    st.sampled_from(["bicubic", "bilinear", "bilinear-float"]),
)
def test_any_pixels_to_any_size(pixels, height, width, by):
    exact = resized(pixels, height, width, by).astype(np.float64) * (255 if by == "bilinear-float" else 1)
    fast = resized(pixels, height, width, by, "fast")
    assert fast.dtype == np.uint8
    assert np.abs(exact - fast).max() <= MOST


@pytest.mark.parametrize("by", ["bicubic", "bilinear", "bilinear-float"])
@pytest.mark.parametrize("size", [(64, 64), (90, 700), (700, 90), (1999, 1200), (400, 300)])
def test_noise_of_black_and_white_is_the_worst_and_is_kept(size, by):
    rng = np.random.default_rng(1)
    pixels = (rng.integers(0, 2, (*size, 3)) * 255).astype(np.uint8)
    for height, width in ((224, 224), (33, 800), (511, 17), (298, 224), (800, 600)):
        exact = resized(pixels, height, width, by).astype(np.float64) * (255 if by == "bilinear-float" else 1)
        assert np.abs(exact - resized(pixels, height, width, by, "fast")).max() <= MOST


@pytest.mark.parametrize("level", [0, 1, 127, 254, 255])
def test_one_colour_stays_what_it_is(level):
    flat = np.full((375, 500, 3), level, np.uint8)
    for by in ("bicubic", "bilinear"):
        for side in (16, 224, 600):
            assert (resized(flat, side, side, by, "fast") == level).all()


def test_a_batch_may_mix_paces_and_each_photo_keeps_its_own(photo, rules):
    exact = photo(300, 200)
    fast = Photo(exact.id, exact.pixels, pace="fast")
    both, _ = prepared([exact, fast], rules["dinov2"], "official")
    assert torch.equal(both[:1], prepared([exact], rules["dinov2"], "official")[0])
    assert torch.equal(both[1:], prepared([fast], rules["dinov2"], "official")[0])
    assert not torch.equal(both[0], both[1])


def test_the_pixels_do_not_depend_on_threads_and_a_photo_is_not_changed(photo, rules):
    one = replace(photo(640, 480), pace="fast")
    before = one.pixels.copy()
    threads, made = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            made.append(prepared([one], rules["dinov2"], "square")[0])
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*made)
    assert (one.pixels == before).all()


@pytest.mark.parametrize(("height", "width"), [(225, 223), (226, 222), (223, 225)])
def test_what_grows_across_and_shrinks_down_is_not_scaled_in_another_order(height, width):
    draws = np.random.default_rng(0)
    noise = 255 * draws.integers(0, 2, (height, width, 3), dtype=np.uint8)
    exact, fast = (resized(noise, 224, 224, "bicubic", pace) for pace in ("exact", "fast"))
    assert np.abs(exact.astype(int) - fast).max() <= MOST
