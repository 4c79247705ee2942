"""What is known of every published encoder before its weights are loaded."""

import re
import subprocess
import sys

import pytest
import torch
import transformers

from repscope.encoders import available, load
from repscope.encoders.families import catalogue
from repscope.encoders.vit import Architecture, ViT
from repscope.errors import RepscopeError, UnknownName, WrongUsage

PUBLISHED = {
    # as instantiated by transformers and by the authors, with what they count and this project leaves out
    "dinov2-vit-s14": 22_056_576 - 384,
    "dinov2-vit-b14": 86_580_480 - 768,
    "dinov2-vit-l14": 304_368_640 - 1024,
    "dinov2-vit-g14": 1_136_480_768 - 1536,
    "dinov2-reg-vit-s14": 22_058_112 - 384,
    "dinov2-reg-vit-b14": 86_583_552 - 768,
    "dinov2-reg-vit-l14": 304_372_736 - 1024,
    "dinov2-reg-vit-g14": 1_136_486_912 - 1536,
    "dinov3-vit-s16": 21_596_544 - 384 + 12 * 384,  # ours holds zero biases for the keys
    "dinov3-vit-s16plus": 28_692_864 - 384 + 12 * 384,
    "dinov3-vit-b16": 85_660_416 - 768 + 12 * 768,
    "dinov3-vit-l16": 303_129_600 - 1024 + 24 * 1024,
    "dinov3-vit-h16plus": 840_592_640 - 1280 + 32 * 1280,
    "dinov3-vit-7b16": 6_716_035_072 - 4096,
    "eupe-vit-t16": 5_492_160 - 192,
    "eupe-vit-s16": 21_601_152 - 384,
    "eupe-vit-b16": 85_669_632 - 768,
    "ijepa-vit-h14": 630_762_240,
    "ijepa-vit-h16-448": 631_668_480,
    "ijepa-vit-g16": 1_011_368_576,
    "vjepa2-vitl-img16-256": 303_885_312,
    "vjepa2-vith-img16-256": 631_648_000,
    "vjepa2-vitg-img16-384": 1_012_173_952,
    "mae-vit-b16": 85_798_656,
    "mae-vit-l16": 303_301_632,
    "mae-vit-h14": 630_764_800,
    "clip-vit-b32": 87_456_000 - 2 * 768,  # the norm after the last block is for the pooled token only
    "clip-vit-b16": 85_799_424 - 2 * 768,
    "clip-vit-l14": 303_179_776 - 2 * 1024,
    "dino-vit-s8": 21_670_272,
    "dino-vit-s16": 21_665_664,
    "dino-vit-b8": 85_807_872,
    "dino-vit-b16": 85_798_656,
}


@pytest.mark.parametrize("name", available())
def test_the_parameters_are_those_of_the_encoder(name):
    contract = available()[name]
    with torch.device("meta"):
        counted = sum(p.numel() for p in ViT(contract.architecture).parameters())
    assert counted == contract.parameters == PUBLISHED.get(name, counted)


@pytest.mark.parametrize("name", available())
def test_a_contract_is_whole(name):
    contract = available()[name]
    rule, shape = contract.preprocessing, contract.architecture
    assert contract.name == name == name.lower()
    assert contract.family in catalogue
    assert rule.size % shape.patch == 0
    assert rule.size <= rule.edge if rule.resize == "shortest" else rule.edge == 0
    assert (contract.frames > 0) == (shape.tubelet > 1)
    assert contract.pool == "mean" or shape.cls
    assert contract.licence
    if contract.family != "lab":
        assert contract.reference.startswith("https://arxiv.org/abs/")
        assert re.fullmatch(r"[\w-]+/[\w.-]+", contract.hub)
    assert re.fullmatch(r"([0-9a-f]{40})?", contract.revision)
    assert re.fullmatch(r"([0-9a-f]{64})?", contract.sha256)
    assert contract.gated == (contract.family == "dinov3")


def test_names_are_unique_and_hubs_too():
    models = [model for family in catalogue.values() for model in family.models]
    assert len({model.name for model in models}) == len(models) == len(available())
    hubs = [model.hub for model in models if model.hub]
    assert len(set(hubs)) == len(hubs)
    kinds = [kind for family in catalogue.values() for kind in family.model_types]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize(
    ("name", "pixels", "grid", "rule"),
    [
        ("dinov2-vit-l14", 224, (16, 16), ("shortest", 256, "bicubic")),
        ("dinov3-vit-b16", 224, (14, 14), ("squash", 0, "bilinear-float")),
        ("eupe-vit-b16", 256, (16, 16), ("squash", 0, "bilinear")),
        ("ijepa-vit-h14", 224, (16, 16), ("squash", 0, "bilinear")),
        ("ijepa-vit-h16-448", 448, (28, 28), ("squash", 0, "bilinear")),
        ("vjepa2-vitl-img16-256", 256, (16, 16), ("shortest", 292, "bilinear")),
        ("vjepa2-vitg-img16-384", 384, (24, 24), ("shortest", 438, "bilinear")),
        ("mae-vit-h14", 224, (16, 16), ("squash", 0, "bilinear")),
        ("clip-vit-b32", 224, (7, 7), ("shortest", 224, "bicubic")),
        ("siglip-so400m", 224, (16, 16), ("squash", 0, "bicubic")),
    ],
)
def test_the_published_transform(name, pixels, grid, rule):
    contract = available()[name]
    said = contract.preprocessing
    assert (said.size, contract.grid, (said.resize, said.edge, said.filter)) == (pixels, grid, rule)


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("vit", transformers.ViTConfig()),
        ("mae", transformers.ViTMAEConfig()),
        ("ijepa", transformers.IJepaConfig()),
        ("dinov2", transformers.Dinov2Config()),
        ("dinov2", transformers.Dinov2WithRegistersConfig()),
        ("dinov3", transformers.DINOv3ViTConfig()),
        ("vjepa2", transformers.VJEPA2Config()),
        ("clip", transformers.CLIPVisionConfig()),
        ("clip", transformers.CLIPConfig()),
        ("siglip", transformers.SiglipVisionConfig()),
        ("siglip", transformers.SiglipConfig()),
    ],
)
def test_what_a_configuration_leaves_out_is_as_transformers_has_it(family, config):
    """SigLIP's published config.json says hardly anything: the rest is the class's default."""
    said = config.to_dict()
    read = catalogue[family].architecture
    assert said["model_type"] in catalogue[family].model_types
    assert read({"model_type": said["model_type"]}) == read(said)


def test_listing_brings_no_heavy_library():
    code = (
        "import sys; from repscope.encoders import available, cached, load, Contract\n"
        "assert len(available()) > 35\n"
        "[cached(c) for c in available().values()]\n"
        "heavy = {'torch', 'numpy', 'PIL', 'transformers', 'safetensors', 'huggingface_hub', 'jaxtyping'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_name_answers_with_the_near_ones():
    with pytest.raises(UnknownName, match=r"Did you mean .*dinov2-vit-s14"):
        load("dinov2-vits14")
    with pytest.raises(UnknownName, match=r"No encoder is called 'nothing-alike'.* List them with `repscope models`"):
        load("nothing-alike")
    with pytest.raises(UnknownName):
        load("nothing-alike@.")
    with pytest.raises(UnknownName):
        load("")
    with pytest.raises(WrongUsage, match="known here as ijepa-vit-h14;"):
        load("facebook/ijepa_vith14_1k")


@pytest.mark.parametrize("name", ["~nobody-of-that-name/x", "a" * 5000, "no/such/folder", "x\0y", "mae-vit-b16@"])
def test_a_place_that_is_none(name):
    with pytest.raises(RepscopeError):
        load(name)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 0},
        {"depth": 10**9},
        {"heads": 5},
        {"hidden": 2.5},
        {"patch": True},
        {"registers": -1},
        {"grid": (4, 0)},
        {"epsilon": 0.0},
        {"cls": 1},
        {"position": "absolute"},
        {"activation": "relu"},
        {"position": "rotary", "heads": 16},
    ],
)
def test_a_shape_no_transformer_can_have(change):
    good = {"width": 32, "depth": 2, "heads": 2, "hidden": 64, "patch": 8, "grid": (4, 4)}
    Architecture(**good)
    with pytest.raises(WrongUsage):
        Architecture(**(good | change))
