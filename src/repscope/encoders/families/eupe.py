"""EUPE: DINOv3's shape with its own weights and names; its storage tokens are our registers."""

from typing import TYPE_CHECKING

from repscope.encoders.contract import IMAGENET, Contract, Preprocessing
from repscope.encoders.families.dinov3 import architecture
from repscope.encoders.family import LEFT_OUT, Config, Family
from repscope.encoders.vit.architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Both sides to 256 at patch 16, bilinear, ImageNet's statistics."""
    return Preprocessing(size=16 * architecture.patch, resize="squash", filter="bilinear", **IMAGENET)


def masked(weights: "dict[str, Tensor]") -> None:
    """Multiply each bias by its mask, as the authors' linear layer does on every call.

    The mask is 0 over the keys and 1 elsewhere; a checkpoint saved without its buffers lacks it, or
    holds the NaN it was initialised with.
    """
    for name in [n for n in weights if n.endswith("attention.qkv.bias")]:
        bias, mask = weights[name], weights.pop(f"{name}_mask", None)
        if mask is None or not mask.isfinite().all():
            mask = bias.new_ones(3, bias.numel() // 3)
            mask[1] = 0
        weights[name] = bias * mask.flatten()


def _model(size: str, parameters: int, shape: Config, revision: str = "", sha256: str = "") -> Contract:
    form = architecture({"num_register_tokens": 4, "image_size": 256, **shape})
    letter = size[0].upper()
    return Contract(
        name=f"eupe-vit-{size}",
        family="eupe",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="cls",
        parameters=parameters,
        hub=f"facebook/EUPE-ViT-{letter}",
        revision=revision,
        file=f"EUPE-ViT-{letter}.pt",
        sha256=sha256,
        licence="FAIR Noncommercial Research License",
        reference="https://arxiv.org/abs/2603.22387",
        notes=(
            "The licence restricts the use of outputs as well as of weights.",
            "The transform is the one of the authors' README (256, squashed); their k-NN evaluation uses shortest "
            "edge 256, bicubic, centre crop 224.",
            "Four storage tokens stand between CLS and patches (here: registers); some exports drop them.",
        ),
    )


eupe = Family(
    name="eupe",
    title="EUPE",
    models=(
        _model(
            "t16",
            5_491_968,
            {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768},
            "0a5999ada906be5c16e210f8fcdcf4dd39d40312",
            "b29b906339c9ae21d35a15602ef9d2fce9145828da9ad9cd797fac11ece60487",
        ),
        _model("s16", 21_600_768, {}),
        _model("b16", 85_668_864, {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}),
    ),
    model_types=("eupe",),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="cls",
    keys={
        "cls_token": "cls",
        "storage_tokens": "registers",
        "mask_token": LEFT_OUT,
        "patch_embed.proj.*": "patch.*",
        "rope_embed.periods": LEFT_OUT,
        "blocks.#.norm1.*": "blocks.#.norm1.*",
        "blocks.#.attn.qkv.*": "blocks.#.attention.qkv.*",
        "blocks.#.attn.proj.*": "blocks.#.attention.output.*",
        "blocks.#.ls1.gamma": "blocks.#.scale1",
        "blocks.#.norm2.*": "blocks.#.norm2.*",
        "blocks.#.mlp.fc1.*": "blocks.#.perceptron.inner.*",
        "blocks.#.mlp.fc2.*": "blocks.#.perceptron.outer.*",
        "blocks.#.ls2.gamma": "blocks.#.scale2",
        "norm.*": "norm.*",
        "local_cls_norm.*": LEFT_OUT,
        "projectors.*": LEFT_OUT,
    },
    amend=masked,
)
