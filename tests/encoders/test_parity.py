"""Every family against the class of transformers it was saved from, at every layer."""

import numpy as np
import pytest
import torch
import transformers
from oracle import CASES, HALF, Case, discrepancy, normalised, photographed, publish

from repscope.encoders import load

TOLERANCE = 1e-5


@pytest.mark.parametrize("name", CASES)
def test_tokens_agree_at_every_layer(published, name):
    made = published(name)
    encoder = load(str(made.folder))
    expected = made.expected()
    layers = [*range(encoder.contract.architecture.depth + 1), -1]
    assert len(expected) == len(layers)
    assert encoder.contract.preprocessing.size == made.case.size
    for tokens, layer, sequence in zip(encoder(made.photos, layers), layers, expected, strict=True):
        assert tokens.layer == layer
        assert discrepancy(tokens, sequence, made.case) < TOLERANCE, f"layer {layer}"


@pytest.mark.parametrize("name", ["dinov2, gated", "dinov2 with registers", "dinov3", "ijepa", "vjepa2"])
def test_attention_agrees(published, name):
    made = published(name)
    encoder = load(str(made.folder))
    model = made.model
    model.set_attn_implementation("eager")
    pixels = normalised(made.photos, made.case.statistics)
    if made.case.frames:
        pixels = pixels[:, None].expand(-1, made.case.frames, -1, -1, -1)
    with torch.no_grad():
        maps = model(pixels, **made.case.options, output_attentions=True).attentions
    for block in range(1, encoder.contract.architecture.depth + 1):
        ours = encoder.attention(made.photos, block)
        assert ours.shape == maps[block - 1].shape
        np.testing.assert_allclose(ours, maps[block - 1].numpy(), atol=2e-6)
        np.testing.assert_allclose(ours.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", ["dinov2, large native grid", "dinov2 with registers", "dinov3"])
def test_a_wide_image_agrees(published, name):
    made = published(name)
    vit = load(str(made.folder)).network
    pixels = torch.randn(2, 3, 24, 44, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        (ours,) = vit(pixels, (-1,))
        theirs = made.model(pixels).last_hidden_state
    assert vit.grid(pixels) == (6, 11)
    assert (ours - theirs).abs().max() / theirs.abs().max() < TOLERANCE


def test_what_does_not_fill_a_patch_is_left_out_as_a_convolution_leaves_it(tmp_path):
    config = transformers.SiglipVisionConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=30, patch_size=8
    )
    case = Case(lambda: transformers.SiglipVisionModel(config), 30, HALF, (0, 0), processor={"size": 30})
    made = publish(case, tmp_path)
    encoder = load(str(tmp_path))
    (tokens,) = encoder(photographed(30))
    assert tokens.grid == encoder.contract.grid == (3, 3)
    assert discrepancy(tokens, made.expected()[-1], case) < TOLERANCE
    assert (tokens.frame[0].right, tokens.frame[0].bottom) == (pytest.approx(24 / 30), pytest.approx(24 / 30))


def test_photos_do_not_see_each_other(published):
    made = published("dinov2 with registers")
    encoder = load(str(made.folder))
    (together,), (alone,) = encoder(made.photos), encoder(made.photos[1:])
    np.testing.assert_allclose(together.patches[1], alone.patches[0], atol=1e-5)
    assert np.abs(together.patches[0] - together.patches[1]).max() > 0.1
