"""Parity: what it compares, where it has nothing to compare with, and that its own renaming is independent."""

import builtins
import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch
import transformers
from exported import PROCESSOR, matrix, write
from oracle import disturbed
from safetensors.torch import load_file, save_file
from standing import failed, findings, told

from repscope.checks import Subject
from repscope.checks._renamed import sines
from repscope.checks.parity import TOLERANCE, apart, sequence_of
from repscope.encoders import load
from repscope.encoders.families import catalogue as families
from repscope.encoders.families.lab import EMBEDDED
from repscope.encoders.vit import positions


def upstream(model: torch.nn.Module, depth: int) -> dict[str, torch.Tensor]:
    """A DINOv3 model's weights as EUPE's repository saves them, its keys' bias there and masked."""
    theirs = model.state_dict()
    made = {
        "cls_token": theirs["embeddings.cls_token"],
        "storage_tokens": theirs["embeddings.register_tokens"],
        "patch_embed.proj.weight": theirs["embeddings.patch_embeddings.weight"],
        "patch_embed.proj.bias": theirs["embeddings.patch_embeddings.bias"],
        "norm.weight": theirs["norm.weight"],
        "norm.bias": theirs["norm.bias"],
    }
    names = {"attn.proj": "attention.o_proj", "norm1": "norm1", "norm2": "norm2"}
    names |= {"mlp.fc1": "mlp.up_proj", "mlp.fc2": "mlp.down_proj"}
    for k in range(depth):
        old, new = f"model.layer.{k}", f"blocks.{k}"
        parts = [f"{old}.attention.{p}_proj" for p in "qkv"]
        bias = theirs[f"{parts[0]}.bias"]
        made[f"{new}.attn.qkv.weight"] = torch.cat([theirs[f"{p}.weight"] for p in parts])
        made[f"{new}.attn.qkv.bias"] = torch.cat([bias, torch.full_like(bias, 7.0), theirs[f"{parts[2]}.bias"]])
        made |= {
            f"{new}.{o}.{kind}": theirs[f"{old}.{t}.{kind}"] for o, t in names.items() for kind in ("weight", "bias")
        }
        made |= {f"{new}.ls{n}.gamma": theirs[f"{old}.layer_scale{n}.lambda1"] for n in "12"}
    return made


@pytest.fixture(scope="module")
def eupe(tmp_path_factory) -> str:
    config = transformers.DINOv3ViTConfig(
        hidden_size=192,
        num_hidden_layers=12,
        num_attention_heads=3,
        intermediate_size=768,
        num_register_tokens=4,
        image_size=256,
    )
    folder = tmp_path_factory.mktemp("eupe")
    torch.save(upstream(disturbed(transformers.DINOv3ViTModel(config), scale=0.05), 12), folder / "EUPE-ViT-T.pt")
    return f"eupe-vit-t16@{folder}"


class TestEupe:
    def test_it_agrees_with_the_class_whose_shape_it_has(self, eupe):
        found = findings("parity", Subject(eupe))
        assert [each.verdict for each in found] == ["verified"] * 3, told(found)
        assert all("DINOv3ViTModel" in each.source for each in found)

    def test_a_mistake_in_our_map_of_keys_shows(self, eupe, monkeypatch):
        """Both norms of a block under each other's name: the reference does not ask our map."""
        keys = families["eupe"].keys
        one, other = "blocks.#.norm1.*", "blocks.#.norm2.*"
        monkeypatch.setitem(keys, one, other)  # type: ignore[arg-type]
        monkeypatch.setitem(keys, other, one)  # type: ignore[arg-type]
        found = failed("parity", Subject(eupe))
        assert {each.about for each in found} == {"Blocks 1 to 12", "Output"}

    def test_a_bias_of_the_keys_that_is_not_masked_shows(self, eupe, monkeypatch):
        place = import_module("repscope.encoders.families.eupe")
        monkeypatch.setattr(place, "eupe", replace(families["eupe"], amend=None))
        found = failed("parity", Subject(eupe))
        assert {each.about for each in found} == {"Blocks 1 to 12", "Output"}


class TestLab:
    @pytest.mark.parametrize(("side", "native", "width"), [(16, 8, 192), (8, 8, 32), (5, 7, 16)])
    def test_sines_computed_twice_agree(self, side, native, width):
        ours = positions.sincos((side, side), (native, native), width).numpy()
        assert np.abs(sines(side, native, width) - ours).max() < 1e-6

    def test_a_shape_that_ijepa_lacks_is_told(self, tmp_path):
        from safetensors import safe_open

        with safe_open(EMBEDDED / "tiny-random.safetensors", "pt") as file:
            said = file.metadata()
        form = json.loads(said["architecture"]) | {"cls": True}
        weights = load_file(EMBEDDED / "tiny-random.safetensors") | {"cls": torch.zeros(192)}
        save_file(weights, tmp_path / "with-cls.safetensors", {**said, "architecture": json.dumps(form)})
        (found,) = findings("parity", Subject(str(tmp_path / "with-cls.safetensors")))
        assert found.verdict == "unchecked"
        assert "no class of transformers has its shape (cls)" in found.said


class TestUnchecked:
    def test_a_graph(self, tmp_path):
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
        (found,) = findings("parity", Subject(str(write(tmp_path / "encoder.onnx", matrix()))))
        assert (found.verdict, "another library" in found.said) == ("unchecked", True)

    def test_a_family_that_transformers_runs_already(self, tmp_path):
        shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        config = transformers.DeiTConfig(**shape, image_size=24, patch_size=8)
        transformers.DeiTModel(config).save_pretrained(tmp_path)
        (found,) = findings("parity", Subject(str(tmp_path)))
        assert found.verdict == "unchecked"

    def test_without_transformers(self, monkeypatch):
        real = builtins.__import__

        def without(name, *args, **options):
            if name.partition(".")[0] == "transformers":
                raise ImportError(name)
            return real(name, *args, **options)

        monkeypatch.setattr(builtins, "__import__", without)
        (found,) = findings("parity", Subject("tiny-mae"))
        assert found.verdict == "unchecked"
        assert "pip install 'repscope[hf]'" in found.said

    def test_weights_without_their_configuration(self, published, tmp_path):
        from shutil import copy

        copy(published("ijepa").folder / "model.safetensors", tmp_path / "model.safetensors")
        found = findings("parity", Subject(f"ijepa-vit-h14@{tmp_path}"))
        assert [each.verdict for each in found] == ["failed"]  # no weights of that shape

    def test_the_file_on_trial_is_the_one_compared(self, published, tmp_path):
        """Not the model.safetensors that lies beside it."""
        from shutil import copy

        from safetensors.torch import load_file, save_file

        folder = published("ijepa").folder
        copy(folder / "config.json", tmp_path / "config.json")
        copy(folder / "model.safetensors", tmp_path / "student.safetensors")
        weights = {name: 2 * value for name, value in load_file(folder / "model.safetensors").items()}
        save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
        found = findings("parity", Subject(str(tmp_path / "student.safetensors")))
        assert {each.verdict for each in found} == {"verified"}, told(found)

    def test_biases_that_are_zero_are_not_said_to_be_used(self, published, tmp_path):
        from shutil import copy

        from safetensors.torch import load_file, save_file

        folder = published("ijepa").folder
        copy(folder / "config.json", tmp_path / "config.json")
        weights = {n: v * (not n.endswith("bias")) for n, v in load_file(folder / "model.safetensors").items()}
        save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
        found = findings("parity", Subject(str(tmp_path)))
        assert [each.about for each in found if each.verdict == "unchecked"] == ["use of all biases"], told(found)


class TestError:
    def test_it_is_of_the_worst_token(self):
        theirs = np.array([[3.0, 4.0], [0.0, 0.1]])
        assert apart(np.add(theirs, [[0, 0], [0.001, 0]]), theirs) == pytest.approx(0.01)
        assert apart(theirs, theirs) == 0
        assert np.isnan(apart(np.add(theirs, [[0, 0], [np.nan, 0]]), theirs))

    @pytest.mark.parametrize("case", ["dinov2 with registers", "vjepa2", "siglip, vision tower"])
    def test_a_sequence_is_what_the_network_said(self, published, case):
        encoder, photos = load(str(published(case).folder), "float32"), published(case).photos[:1]
        (tokens,) = encoder(photos)
        with torch.inference_mode():
            (said,) = encoder.network(encoder.shown(photos).pixels, (-1,))  # type: ignore[attr-defined]
        np.testing.assert_array_equal(sequence_of(tokens), said[0].numpy())

    def test_the_tolerance_has_room_on_both_sides(self, published):
        errors = [each.measured for each in findings("parity", Subject(str(published("dinov3, gated").folder)))]
        assert max(errors) < TOLERANCE / 10  # type: ignore[type-var]
