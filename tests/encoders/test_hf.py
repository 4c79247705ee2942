"""The adapter: families without a map, through transformers itself."""

import json
import sys

import numpy as np
import pytest
import torch
import transformers
from oracle import IMAGENET, PLAIN, Case, discrepancy, normalised, photographed, publish
from safetensors.torch import load_file, save_file

from repscope.encoders import load
from repscope.errors import UnfitCheckpoint, Unsupported

BEIT = PLAIN | {"use_relative_position_bias": True, "use_absolute_position_embeddings": True}
CASES = {
    "beit": Case(lambda: transformers.BeitModel(transformers.BeitConfig(**BEIT)), 24, IMAGENET),
    "deit": Case(lambda: transformers.DeiTModel(transformers.DeiTConfig(**PLAIN)), 24, IMAGENET, (1, 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_tokens_are_those_of_the_class(tmp_path, name):
    case = CASES[name]
    made = publish(case, tmp_path)
    encoder = load(str(tmp_path))
    form = encoder.contract.architecture
    assert (encoder.contract.family, form.cls, form.registers) == ("hf", bool(case.prefix[0]), case.prefix[1])
    layers = [0, 1, 2, -1]
    for tokens, layer in zip(encoder(made.photos, layers), layers, strict=True):
        assert discrepancy(tokens, made.expected()[layer], case) < 1e-5, f"layer {layer}"
    made.model.set_attn_implementation("eager")
    with torch.no_grad():
        maps = made.model(normalised(made.photos, IMAGENET), output_attentions=True).attentions
    np.testing.assert_allclose(encoder.attention(made.photos, 2), maps[1].numpy(), atol=2e-6)
    assert any("hidden_states[-1]" in note for note in encoder.contract.notes)


@pytest.mark.parametrize(
    "build",
    [
        lambda: transformers.SwinModel(
            transformers.SwinConfig(image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[2, 2])
        ),
        lambda: transformers.ConvNextModel(
            transformers.ConvNextConfig(hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], image_size=32)
        ),
    ],
)
def test_what_is_no_grid_is_refused_with_the_reason(tmp_path, build):
    build().save_pretrained(tmp_path)
    with pytest.raises(Unsupported, match="cannot be laid out as the image is"):
        load(str(tmp_path))


def test_missing_weights_are_not_drawn_at_random(tmp_path):
    publish(CASES["beit"], tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["encoder.layer.1.output.dense.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnfitCheckpoint, match="lacks 1 weights of its 'beit'"):
        load(str(tmp_path))


def test_without_transformers_it_says_how_to_get_it(tmp_path, monkeypatch):
    publish(CASES["beit"], tmp_path)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(Unsupported, match=r"pip install 'repscope\[hf\]'"):
        load(str(tmp_path))


def test_code_in_the_folder_never_runs(tmp_path):
    mark = tmp_path / "ran"
    (tmp_path / "modeling_own.py").write_text(f"open({str(mark)!r}, 'w')\n")
    said = {"model_type": "own", "auto_map": {"AutoConfig": "modeling_own.C", "AutoModel": "modeling_own.M"}}
    (tmp_path / "config.json").write_text(json.dumps(said))
    with pytest.raises(UnfitCheckpoint, match="transformers cannot read it either"):
        load(str(tmp_path))
    assert not mark.exists()


def test_photos_of_any_size_are_shown(tmp_path):
    publish(CASES["beit"], tmp_path)
    (tokens,) = load(str(tmp_path))(photographed(50))
    assert tokens.grid == (3, 3)
