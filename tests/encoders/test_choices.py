"""Frames as a choice: the same weights shown a still image in more or fewer frames, as transformers shows them."""

import json
from dataclasses import replace

import pytest
from exported import PROCESSOR, matrix, write
from oracle import discrepancy, normalised, photographed, sequences

import repscope
from repscope.analyses import _choices
from repscope.analyses._choices import CHOICES
from repscope.errors import Unsupported

FRAMES = {choice.name: choice for choice in CHOICES if choice.kind == "frames"}


def test_a_video_encoder_is_shown_other_numbers_of_frames(published):
    model = published("vjepa2")
    encoder = repscope.load(str(model.folder), "float32")
    assert FRAMES["16"].vary(encoder, -1) is None
    for name in ("2", "8", "64"):
        variant = FRAMES[name].vary(encoder, -1)
        case = replace(model.case, frames=int(name))
        (tokens,) = variant.encoder(model.photos)
        wanted = sequences(model.model, normalised(model.photos, case.statistics), case)[-1]
        assert tokens.frames.shape[1] == int(name) // 2
        assert discrepancy(tokens, wanted, case) < 1e-5


def test_frames_that_cost_too_much_are_left_out_and_said(published, monkeypatch: pytest.MonkeyPatch):
    encoder = repscope.load(str(published("vjepa2").folder), "float32")
    cost = _choices.operations(encoder.contract, 64)
    monkeypatch.setattr(_choices, "COSTLY", cost * 0.99)
    with pytest.raises(Unsupported, match="operations a photo"):
        FRAMES["64"].vary(encoder, -1)
    assert FRAMES["8"].vary(encoder, -1) is not None


def test_of_the_published_sizes_the_largest_counts_of_frames_are_too_many():
    """V-JEPA 2 at 256 pixels: 8 frames are tried, 64 are not."""
    from repscope.encoders import available

    large = available()["vjepa2-vitl-img16-256"]
    assert _choices.operations(large, 8) < _choices.operations(large, 16) < _choices.COSTLY
    assert _choices.operations(large, 64) > _choices.COSTLY


def test_a_comparison_with_a_video_encoder_says_which_frames_were_tried(published):
    model = published("vjepa2")
    encoders = [repscope.load(str(model.folder), "float32"), repscope.load("tiny-random", "float32")]
    report = repscope.compare(model.photos, encoders, stability=True)
    (chosen,) = (block for block in report.blocks if getattr(block, "title", "") == "Choices that should not matter")
    frames = [row[1:3] for row in chosen.rows if row[0] == "frames"]
    assert frames == [(count, str(model.folder)) for count in ("2", "8", "64")]


def test_an_onnx_file_is_shown_otherwise_and_has_one_precision_and_layer(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    encoder = repscope.load(str(write(tmp_path / "mine.onnx", matrix())))
    by = {(choice.kind, choice.name): choice for choice in CHOICES}
    photos = photographed(40)
    variant = by["filter", "bilinear"].vary(encoder, -1)
    assert variant.encoder.revision == encoder.revision
    before, after = encoder(photos)[0].patches, variant.encoder(photos)[0].patches
    assert before.shape == after.shape
    assert not (before == after).all()
    with pytest.raises(Unsupported, match="another library"):
        by["precision", "bfloat16"].vary(encoder, -1)
    earlier = by["layer", "one before"].vary(encoder, -1)
    with pytest.raises(Unsupported, match="output alone"):
        earlier.encoder(photos, (earlier.layer,))
