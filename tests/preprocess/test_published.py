"""The official framing is, bit for bit, what the published processors make of a photo."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from repscope.encoders.preprocess import prepared
from repscope.frames import Frame


@pytest.fixture(scope="module")
def processors():
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    imagenet = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}

    def crop(size):
        return {"height": size, "width": size}

    return {
        "dinov2": BitImageProcessorPil(size={"shortest_edge": 256}, crop_size=crop(224), **imagenet),
        "clip": CLIPImageProcessorPil(),
        "siglip": SiglipImageProcessorPil(),
        "vit": ViTImageProcessorPil(),
        "mae": ViTImageProcessorPil(**imagenet),
        "ijepa-448": ViTImageProcessorPil(size=crop(448)),
        "eupe": ViTImageProcessorPil(size=crop(256), **imagenet),
        # V-JEPA 2's own needs torchvision; this is the same recipe in Pillow.
        "vjepa2": BitImageProcessorPil(size={"shortest_edge": 292}, crop_size=crop(256), resample=2, **imagenet),
    }


@pytest.mark.parametrize("name", ["dinov2", "clip", "siglip", "vit", "mae", "ijepa-448", "eupe", "vjepa2"])
def test_every_bit_is_as_published(processors, rules, any_photo, name):
    theirs = processors[name](Image.fromarray(any_photo.pixels), return_tensors="np")["pixel_values"]
    ours, _ = prepared([any_photo], rules[name], "official")
    assert ours.dtype == torch.float32
    assert ours.shape == theirs.shape
    assert np.array_equal(ours.numpy(), theirs)


def triangle(length, places):
    """(places, length) weights of the triangle filter that widens when it shrinks, in float64."""
    scale = length / places
    reach = max(scale, 1.0)
    centres = (np.arange(places) + 0.5) * scale
    weights = np.maximum(0, 1 - np.abs(np.arange(length) + 0.5 - centres[:, None]) / reach)
    return weights / weights.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [224, 256])
def test_bilinear_on_floats_is_the_triangle_filter(rules, any_photo, size):
    """Rescale, resize, normalise: nothing is rounded to grey levels on the way."""
    rule = replace(rules["dinov3"], size=size)
    height, width = any_photo.pixels.shape[:2]
    down, across = triangle(height, size), triangle(width, size)
    scaled = np.einsum("yh,xw,hwc->cyx", down, across, any_photo.pixels / 255, optimize=True)
    wanted = (scaled - np.array(rule.mean)[:, None, None]) / np.array(rule.deviation)[:, None, None]
    ours, (frame,) = prepared([any_photo], rule, "official")
    assert np.abs(ours[0].numpy() - wanted).max() < 1e-4  # a grey level is 0.017
    assert frame == Frame()


def test_bilinear_on_floats_is_within_a_grey_level_of_bilinear_on_levels(rules, photo):
    floats, _ = prepared([photo(500, 375)], rules["dinov3"], "official")
    levels, _ = prepared([photo(500, 375)], rules["mae"], "official")
    difference = (floats - levels).abs() * torch.tensor(rules["mae"].deviation)[:, None, None] * 255
    assert 0.1 < difference.max() < 1.01
