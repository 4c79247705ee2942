"""Build: every weight begins as it should, the same for the same seed."""

import math
from dataclasses import replace

import pytest
import torch
from small_objectives import SMALL, made

from repscope.encoders.vit import ViT
from repscope.lab.build import initialise, precision_of, setting_of


@pytest.mark.parametrize("name", SMALL)
def test_the_seed_decides_the_weights(recipe, name):
    first, again, other = (made(name, replace(recipe, seed=seed)).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(value, again[key]) for key, value in first.items())
    assert not torch.equal(first["encoder.patch.weight"], other["encoder.patch.weight"])


@pytest.mark.parametrize("name", ["mae", "dino", "byol", "distill"])
def test_nothing_of_an_objective_is_left_as_torch_made_it(recipe, name):
    for part, value in made(name, recipe).named_parameters():
        if part.startswith("teachers."):
            continue
        if part.endswith("bias"):
            assert (value == 0).all(), part
        elif value.ndim == 1 and ("norm" in part or "scale" in part):
            assert (value == 1).all(), part
        else:
            assert 0 < value.abs().max() <= 0.04, part


def test_every_weight_of_an_encoder_begins_as_it_should(recipe, seeded):
    shape = replace(recipe.architecture, width=64, hidden=256, depth=4, layer_scale=True)
    encoder = ViT(shape)
    initialise(encoder, seeded(0))
    for name, value in encoder.named_parameters():
        if name.endswith("bias"):
            assert (value == 0).all(), name
        elif "norm" in name or "scale" in name:
            assert (value == 1).all(), name
        else:
            assert abs(value.mean()) < 0.002, name
            assert value.abs().max() <= 0.04, name
    # a normal cut at two deviations has .88 of its deviation
    deviation = {name: float(value.std()) for name, value in encoder.state_dict().items() if value.ndim > 1}
    assert deviation["blocks.0.attention.qkv.weight"] == pytest.approx(0.0176, rel=0.03)
    for block in range(4):
        wanted = 0.0176 / math.sqrt(2 * (block + 1))
        assert deviation[f"blocks.{block}.attention.output.weight"] == pytest.approx(wanted, rel=0.05)
        assert deviation[f"blocks.{block}.perceptron.outer.weight"] == pytest.approx(wanted, rel=0.05)


def test_a_setting_is_of_the_recipe(recipe):
    setting = setting_of(replace(recipe, view=12, local=4, crop=(0.2, 0.9)), 100, 7)
    assert (setting.images, setting.classes, setting.size) == (100, 7, 16)
    assert (setting.view, setting.local, setting.crop) == (12, 4, (0.2, 0.9))


class TestPrecision:
    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_what_the_recipe_says_holds_everywhere(self, recipe, precision):
        for device in ("cpu", "cuda", "mps"):
            assert precision_of(replace(recipe, precision=precision), torch.device(device)) == precision

    @pytest.mark.parametrize(
        ("capability", "fast", "wanted"),
        [
            ("AVX512", True, "bfloat16"),
            ("AVX512", False, "float32"),
            ("AVX2", True, "float32"),
            ("DEFAULT", False, "float32"),
        ],
    )
    def test_auto_is_what_the_processor_multiplies_faster(self, recipe, monkeypatch, capability, fast, wanted):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
        assert precision_of(replace(recipe, precision="auto"), torch.device("cpu")) == wanted

    @pytest.mark.parametrize(("able", "wanted"), [(True, "bfloat16"), (False, "float32")])
    def test_auto_on_an_accelerator(self, recipe, monkeypatch, able, wanted):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: able)
        assert precision_of(replace(recipe, precision="auto"), torch.device("cuda", 1)) == wanted
        assert precision_of(replace(recipe, precision="auto"), torch.device("mps")) == "float32"
