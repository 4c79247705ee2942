"""Folders and files: what is read, what is refused, and what the refusal says."""

import json
import shutil
from dataclasses import asdict
from importlib import import_module

import numpy as np
import pytest
import torch
from oracle import photographed
from safetensors.torch import load_file, save_file

from repscope.encoders import available, load
from repscope.encoders.families import lab
from repscope.encoders.load import trainable
from repscope.encoders.vit import Architecture, ViT
from repscope.errors import NoImages, UnfitCheckpoint, UnfitTokens, WrongUsage

SHAPE = Architecture(width=16, depth=2, heads=2, hidden=32, patch=8, grid=(8, 8), cls=False, position="sincos")


@pytest.fixture
def folder(published, tmp_path):
    """A copy of a small DINOv2 with registers, to be damaged."""
    place = tmp_path / "model"
    shutil.copytree(published("dinov2 with registers").folder, place)
    return place


def output(place) -> np.ndarray:
    return load(str(place))(photographed(64))[0].patches


def lab_file(path, dtype=torch.float16, **metadata):
    torch.manual_seed(0)
    weights = {name: value.to(dtype).contiguous() for name, value in ViT(SHAPE).state_dict().items()}
    said = {"architecture": json.dumps(asdict(SHAPE)), "card": json.dumps({"objective": "none", "seed": 0})}
    save_file(weights, path, said | metadata)
    return path


class TestWeights:
    def test_every_way_to_store_them_is_the_same(self, folder):
        plain = output(folder)
        weights = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
        names = sorted(weights)
        shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
        for shard, held in shards.items():
            save_file({name: weights[name] for name in held}, folder / shard)
        index = {"weight_map": {name: shard for shard, held in shards.items() for name in held}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        np.testing.assert_array_equal(output(folder), plain)
        digest = load(str(folder)).revision[-64:]
        assert len(set(digest)) > 4

        (folder / "model-00002-of-00002.safetensors").unlink()
        with pytest.raises(UnfitCheckpoint, match="model-00002-of-00002"):
            load(str(folder))

        for file in folder.glob("model*"):
            file.unlink()
        torch.save(weights, folder / "pytorch_model.bin")
        np.testing.assert_array_equal(output(folder), plain)
        torch.save({"model": weights}, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False)
        np.testing.assert_array_equal(output(folder), plain)

    @pytest.mark.parametrize(("dtype", "limit"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
    def test_half_precision_becomes_float32(self, folder, dtype, limit):
        plain = output(folder)
        weights = load_file(folder / "model.safetensors")
        save_file({name: value.to(dtype) for name, value in weights.items()}, folder / "model.safetensors")
        for encoder in (load(str(folder)), trainable(str(folder))):
            assert {p.dtype for p in encoder.network.parameters()} == {torch.float32}
        assert 0 < np.abs(output(folder) - plain).max() / np.abs(plain).max() < limit

    def test_missing_unexpected_and_misshapen_keys_are_named(self, folder):
        weights = load_file(folder / "model.safetensors")
        del weights["encoder.layer.1.attention.attention.key.bias"]
        del weights["layernorm.weight"]
        weights["encoder.layer.0.adapter.weight"] = torch.zeros(2)
        weights["embeddings.cls_token"] = torch.zeros(1, 1, 31)
        save_file(weights, folder / "model.safetensors")
        with pytest.raises(UnfitCheckpoint) as told:
            load(str(folder))
        text = str(told.value)
        assert "missing: encoder.layer.1.attention.attention.key.bias, layernorm.weight;" in text
        assert "unexpected: encoder.layer.0.adapter.weight;" in text
        assert "of another shape: cls [31], wanted [32]" in text

    def test_a_long_list_is_counted(self, folder):
        weights = load_file(folder / "model.safetensors")
        save_file(weights | {f"extra.{i}": torch.zeros(1) for i in range(20)}, folder / "model.safetensors")
        with pytest.raises(UnfitCheckpoint, match=r"extra\.\d+ and 14 more\."):
            load(str(folder))

    @pytest.mark.parametrize("keep", [0, 7, 100, 5000])
    def test_a_cut_file_says_so(self, folder, keep):
        whole = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(whole[:keep])
        with pytest.raises(UnfitCheckpoint, match="Fetch or copy it again"):
            load(str(folder))

    def test_no_code_in_a_pickle_runs(self, folder, tmp_path):
        class Harm:
            def __reduce__(self):
                return (open, (str(tmp_path / "harm"), "w"))

        (folder / "model.safetensors").unlink()
        torch.save({"embeddings.cls_token": Harm()}, folder / "model.pt")
        with pytest.raises(UnfitCheckpoint, match=r"Code in it is never run.*save its state dict as safetensors"):
            load(str(folder))
        assert not (tmp_path / "harm").exists()

    def test_no_weights_or_too_many(self, folder):
        (folder / "model.safetensors").rename(folder / "a.safetensors")
        assert output(folder).shape == (2, 16, 16, 32)
        shutil.copy(folder / "a.safetensors", folder / "b.safetensors")
        with pytest.raises(UnfitCheckpoint, match=r"several files that could be: a\.safetensors, b\.safetensors"):
            load(str(folder))
        for file in folder.glob("*.safetensors"):
            file.unlink()
        with pytest.raises(UnfitCheckpoint, match="it has none"):
            load(str(folder))

    def test_revision_is_the_digest_of_the_file(self, folder):
        import hashlib

        digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        assert load(str(folder)).revision == f"{folder}, sha256 {digest}"


class TestConfiguration:
    def test_the_processor_beside_the_weights_is_followed(self, folder):
        said = {"size": {"shortest_edge": 80}, "crop_size": {"height": 48, "width": 48}, "resample": 2}
        said |= {"do_center_crop": True, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}
        (folder / "preprocessor_config.json").write_text(json.dumps(said))
        rule = load(str(folder)).contract.preprocessing
        assert (rule.size, rule.edge, rule.resize, rule.filter) == (48, 80, "shortest", "bilinear")
        assert (rule.mean, rule.deviation) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))

    def test_dinov3_resizes_floats(self, folder):
        said = {"size": {"height": 32, "width": 32}, "resample": 2, "image_processor_type": "DINOv3ViTImageProcessor"}
        (folder / "preprocessor_config.json").write_text(json.dumps(said))
        rule = load(str(folder)).contract.preprocessing
        assert (rule.size, rule.edge, rule.resize, rule.filter) == (32, 0, "squash", "bilinear-float")

    @pytest.mark.parametrize(
        "said",
        [
            {"size": {"height": 32, "width": 48}},
            {"size": {"longest_edge": 32}},
            {"size": 32, "resample": 1},
            {"size": {"shortest_edge": 32}, "crop_size": 64},
            {"size": 32, "do_normalize": True, "image_std": [0, 0, 0]},
            {"size": 32, "rescale_factor": 1},
            {"size": -3},
            {"do_resize": False},
            {"size": 2},
            [],
        ],
    )
    def test_a_transform_that_would_have_to_be_guessed_is_refused(self, folder, said):
        (folder / "preprocessor_config.json").write_text(json.dumps(said))
        with pytest.raises(UnfitCheckpoint):
            load(str(folder))

    @pytest.mark.parametrize(
        "change",
        [
            {"hidden_size": "many"},
            {"hidden_size": 33},
            {"num_hidden_layers": 10**12},
            {"patch_size": 0},
            {"patch_size": [4, 8]},
            {"hidden_act": "relu"},
            {"layer_norm_eps": None},
        ],
    )
    def test_a_configuration_that_is_none_is_refused(self, folder, change):
        said = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(said | change))
        with pytest.raises(UnfitCheckpoint, match="is not one of DINOv2"):
            load(str(folder))

    def test_a_named_encoder_is_not_another_one(self, folder):
        with pytest.raises(UnfitCheckpoint, match=r"holds no dinov2-reg-vit-s14: width is 32, not 384, depth is 3"):
            load(f"dinov2-reg-vit-s14@{folder}")

    def test_a_folder_that_says_nothing(self, folder):
        (folder / "config.json").unlink()
        with pytest.raises(UnfitCheckpoint, match="load NAME@DIR"):
            load(str(folder))


class TestNamed:
    def test_name_at_folder_keeps_the_contract(self, tmp_path):
        from transformers import ViTConfig, ViTModel

        config = ViTConfig(hidden_size=384, num_attention_heads=6, intermediate_size=1536)
        ViTModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
        encoder = load(f"dino-vit-s16@{tmp_path}")
        asked = available()["dino-vit-s16"]
        assert encoder.contract.name == f"dino-vit-s16@{tmp_path}"
        assert encoder.contract.preprocessing == asked.preprocessing
        assert (encoder.contract.architecture, encoder.contract.licence) == (asked.architecture, asked.licence)
        assert encoder.revision.startswith(f"{tmp_path}, sha256 ")
        assert load(str(tmp_path)).contract.family == "vit"

        said = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps(said | {"layer_norm_eps": 1e-6}))
        assert load(f"dino-vit-s16@{tmp_path}").contract.architecture.epsilon == 1e-6


class TestLab:
    def test_a_file_or_its_folder_is_an_encoder(self, tmp_path):
        file = lab_file(tmp_path / "encoder.safetensors")
        (tmp_path / "state.pt").write_bytes(b"what a run needs to go on")
        for place in (file, tmp_path):
            encoder = load(str(place))
            assert encoder.contract.architecture == SHAPE
            assert (encoder.contract.family, encoder.contract.pool) == ("lab", "mean")
            assert (encoder.contract.preprocessing.size, encoder.contract.grid) == (128, (16, 16))
            (tokens,) = encoder(photographed(100))
            assert tokens.patches.shape == (2, 16, 16, 16)
            assert tokens.cls is None

    def test_its_tokens_are_those_of_the_weights(self, tmp_path):
        encoder = load(str(lab_file(tmp_path / "encoder.safetensors", torch.float32)))
        torch.manual_seed(0)
        vit = ViT(SHAPE).eval()
        from repscope.encoders.preprocess import prepared

        pixels, _ = prepared(photographed(128), encoder.contract.preprocessing, "square")
        with torch.no_grad():
            expected = vit(pixels)[0].numpy().reshape(2, 16, 16, 16)
        np.testing.assert_allclose(encoder(photographed(128))[0].patches, expected, atol=1e-5)

    def test_what_lies_in_the_folder_is_known_by_name(self, tmp_path, monkeypatch):
        lab_file(tmp_path / "tiny-nothing.safetensors")
        monkeypatch.setattr(lab, "EMBEDDED", tmp_path)
        module = import_module("repscope.encoders.load")  # the package's `load` is the function in it
        monkeypatch.setattr(module, "EMBEDDED", tmp_path)
        (contract,) = lab.embedded()
        assert contract.name == "tiny-nothing"
        assert contract.parameters == sum(p.numel() for p in ViT(SHAPE).parameters())
        assert "objective none, seed 0" in contract.notes[0]
        with_it = {**available(), contract.name: contract}
        monkeypatch.setattr(module, "available", lambda: with_it)
        encoder = load("tiny-nothing")
        assert encoder(photographed(20))[0].patches.shape == (2, 16, 16, 16)
        assert encoder.revision.startswith("repscope, tiny-nothing.safetensors, sha256 ")

    @pytest.mark.parametrize(
        "metadata",
        [{"architecture": "{"}, {"architecture": "[]"}, {"architecture": "{}"}, {"architecture": '{"width": 16}'}],
    )
    def test_a_damaged_architecture_is_refused(self, tmp_path, metadata):
        with pytest.raises(UnfitCheckpoint):
            load(str(lab_file(tmp_path / "encoder.safetensors", **metadata)))

    def test_a_safetensors_file_of_something_else(self, tmp_path):
        save_file({"weight": torch.zeros(3)}, tmp_path / "model.safetensors")
        with pytest.raises(UnfitCheckpoint, match="does not say which encoder it holds"):
            load(str(tmp_path))


class TestCalls:
    def test_layers_come_in_the_order_asked(self, published):
        made = published("dinov2 with registers")
        encoder = load(str(made.folder))
        forth = encoder(made.photos, (0, 2, -1))
        back = encoder(made.photos, (-1, 0, 2, 2))
        assert [t.layer for t in back] == [-1, 0, 2, 2]
        for tokens in back:
            same = next(t for t in forth if t.layer == tokens.layer)
            np.testing.assert_array_equal(tokens.patches, same.patches)
        assert encoder(made.photos, ()) == ()

    @pytest.mark.parametrize("layer", [-2, 4, 100])
    def test_a_layer_there_is_not(self, published, layer):
        made = published("dinov2 with registers")
        with pytest.raises(WrongUsage, match=f"has no layer {layer}: 0 is its embedding, 1 to 3"):
            load(str(made.folder))(made.photos, (0, layer))

    @pytest.mark.parametrize("block", [0, -1, 4])
    def test_a_block_there_is_not(self, published, block):
        made = published("dinov2 with registers")
        with pytest.raises(WrongUsage, match=f"has no block {block}: its blocks are 1 to 3"):
            load(str(made.folder)).attention(made.photos, block)

    def test_no_photo(self, published):
        with pytest.raises(NoImages):
            load(str(published("ijepa").folder))([])

    def test_tokens_that_are_not_finite_are_refused(self, folder):
        weights = load_file(folder / "model.safetensors")
        weights["encoder.layer.1.mlp.fc2.bias"][3] = torch.inf
        save_file(weights, folder / "model.safetensors")
        encoder = load(str(folder))
        encoder(photographed(64), (0, 1))
        with pytest.raises(UnfitTokens, match=rf"{folder} says tokens that are not finite at layer 2"):
            encoder(photographed(64), (2,))

    def test_the_frame_is_the_part_that_was_shown(self, published):
        encoder = load(str(published("dinov2 with registers").folder))
        from repscope.images.photo import Photo

        photo = Photo("wide", np.zeros((64, 128, 3), np.uint8))
        (tokens,) = encoder([photo])
        assert (tokens.frame[0].left, tokens.frame[0].right) == (0.25, 0.75)

    def test_weights_neither_move_nor_keep_a_graph(self, published):
        encoder = load(str(published("ijepa").folder))
        assert not encoder.network.training
        assert not any(p.requires_grad for p in encoder.network.parameters())
