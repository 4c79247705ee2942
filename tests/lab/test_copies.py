"""copies: photos that are trained on are known again, others are not."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from repscope.images import gather
from repscope.lab.copies import copies


@pytest.fixture(scope="module")
def photos():
    """The two that come with the package, and mixtures of waves."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:120, :160] / 120
    drawn = [photo.pixels for photo in gather()[0]]
    for _ in range(20):
        waves = [np.sin(a * x + b * y + c) for a, b, c in rng.uniform(2, 30, (6, 3))]
        drawn.append((127 + 20 * np.stack([sum(waves)] * 3, 2)).clip(0, 255).astype(np.uint8))
    return drawn


def trained(picture, size=48):
    """As a training set holds it: the central square of a JPEG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "jpeg", quality=60)
    return np.asarray(ImageOps.fit(Image.open(file), (size, size), Image.Resampling.BICUBIC))


def bank(pictures):
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)


CHANGES = {
    "as it is": lambda photo: photo,
    "mirrored": lambda photo: photo[:, ::-1],
    "grey": lambda photo: np.repeat(photo.mean(2, keepdims=True), 3, 2).astype(np.uint8),
    "darker": lambda photo: (0.6 * photo).astype(np.uint8),
    "small": lambda photo: np.asarray(Image.fromarray(photo).resize((64, 48))),
    "squeezed": lambda photo: np.asarray(Image.fromarray(photo).resize((48, 48))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_copy_is_known_again_and_no_other_photo_is(photos, change):
    images = [trained(np.ascontiguousarray(change(photo))) for photo in photos[::2]]
    assert copies(photos, bank(images)) == {place: place // 2 for place in range(0, len(photos), 2)}


def test_more_images_than_are_looked_at_together(photos, monkeypatch):
    monkeypatch.setattr("repscope.lab.copies.TOGETHER", 4)
    images = [trained(photo) for photo in photos]
    assert copies(photos[7:9], bank(images)) == {0: 7, 1: 8}


def test_one_colour_is_a_copy_of_nothing(photos):
    flat = np.full((40, 40, 3), 90, np.uint8)
    assert copies([flat, photos[0]], bank([trained(flat), trained(flat)])) == {}


def test_without_photos():
    assert copies([], torch.zeros(2, 3, 8, 8, dtype=torch.uint8)) == {}
