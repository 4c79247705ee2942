"""EUPE: its own file, names and bias mask, against DINOv3's class from which it differs in nothing else."""

import numpy as np
import pytest
import torch
import transformers
from oracle import IMAGENET, Case, discrepancy, disturbed, normalised, photographed, sequences

from repscope.encoders import available, load
from repscope.errors import UnfitCheckpoint

CASE = Case(lambda: None, 256, IMAGENET, (1, 4))
DEPTH = 12


def upstream(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A DINOv3 model's weights under the names of the EUPE repository, which fuses and masks its biases."""
    theirs = model.state_dict()
    tiny = {
        "cls_token": theirs["embeddings.cls_token"],
        "storage_tokens": theirs["embeddings.register_tokens"],
        "mask_token": theirs["embeddings.mask_token"][0],
        "patch_embed.proj.weight": theirs["embeddings.patch_embeddings.weight"],
        "patch_embed.proj.bias": theirs["embeddings.patch_embeddings.bias"],
        "rope_embed.periods": torch.rand(16),
        "norm.weight": theirs["norm.weight"],
        "norm.bias": theirs["norm.bias"],
    }
    for i in range(DEPTH):
        old, new = f"model.layer.{i}", f"blocks.{i}"
        parts = [f"{old}.attention.{p}_proj" for p in "qkv"]
        width = len(theirs[f"{parts[0]}.bias"])
        tiny[f"{new}.attn.qkv.weight"] = torch.cat([theirs[f"{p}.weight"] for p in parts])
        # the key's bias is there and not zero: only the mask says that it does not count
        tiny[f"{new}.attn.qkv.bias"] = torch.cat(
            [theirs[f"{parts[0]}.bias"], torch.full((width,), 7.0), theirs[f"{parts[2]}.bias"]]
        )
        tiny[f"{new}.attn.qkv.bias_mask"] = torch.cat([torch.ones(width), torch.zeros(width), torch.ones(width)])
        pairs = {"attn.proj": "attention.o_proj", "norm1": "norm1", "norm2": "norm2"}
        pairs |= {"mlp.fc1": "mlp.up_proj", "mlp.fc2": "mlp.down_proj"}
        for ours, was in pairs.items():
            for kind in ("weight", "bias"):
                tiny[f"{new}.{ours}.{kind}"] = theirs[f"{old}.{was}.{kind}"]
        for k in "12":
            tiny[f"{new}.ls{k}.gamma"] = theirs[f"{old}.layer_scale{k}.lambda1"]
    return tiny


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    config = transformers.DINOv3ViTConfig(
        hidden_size=192,
        num_hidden_layers=DEPTH,
        num_attention_heads=3,
        intermediate_size=768,
        num_register_tokens=4,
        image_size=256,
    )
    return disturbed(transformers.DINOv3ViTModel(config), scale=0.05)


def test_the_map_knows_all_188_keys_of_the_published_file(model):
    assert len(upstream(model)) == 188


@pytest.mark.parametrize("mask", ["saved", "lacking", "not a number"])
def test_tokens_agree_with_dinov3(model, tmp_path, mask):
    weights = upstream(model)
    for name in [n for n in weights if n.endswith("bias_mask")]:
        if mask == "lacking":
            del weights[name]
        elif mask == "not a number":
            weights[name] = torch.full_like(weights[name], torch.nan)
    weights |= {"projectors.pe.weight": torch.rand(3, 3), "local_cls_norm.weight": torch.rand(192)}
    torch.save(weights, tmp_path / "EUPE-ViT-T.pt")
    encoder = load(f"eupe-vit-t16@{tmp_path}")
    photos = photographed(256, count=1)
    expected = sequences(model, normalised(photos, IMAGENET), CASE)
    layers = [*range(DEPTH + 1), -1] if mask == "saved" else [0, 1, -1]
    for tokens, layer in zip(encoder(photos, layers), layers, strict=True):
        assert discrepancy(tokens, expected[layer], CASE) < 1e-5, f"layer {layer}"
        assert tokens.registers.shape == (1, 4, 192)
    if mask == "saved":
        assert not np.allclose(expected[-1], expected[-2])


def test_the_file_is_known_by_its_name(model, tmp_path):
    torch.save(upstream(model), tmp_path / "EUPE-ViT-T.pt")
    for place in (tmp_path, tmp_path / "EUPE-ViT-T.pt"):
        assert load(str(place)).contract.architecture == available()["eupe-vit-t16"].architecture


def test_an_unknown_key_is_an_error(model, tmp_path):
    torch.save(upstream(model) | {"blocks.3.attn.lora.weight": torch.rand(2)}, tmp_path / "EUPE-ViT-T.pt")
    with pytest.raises(UnfitCheckpoint, match=r"unexpected: blocks\.3\.attn\.lora\.weight"):
        load(f"eupe-vit-t16@{tmp_path}")
