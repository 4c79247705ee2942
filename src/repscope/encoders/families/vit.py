"""ViT: the supervised vision transformer, and the names its Hugging Face class gave to many others."""

from typing import Any

from repscope.encoders.contract import HALF, Contract, Preprocessing
from repscope.encoders.family import ACTIVATION, LEFT_OUT, Config, Family, grid, square
from repscope.encoders.vit.architecture import Architecture

DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "image_size": 224,
    "patch_size": 16,
    "qkv_bias": True,
}

KEYS = {
    "embeddings.cls_token": "cls",
    "embeddings.mask_token": LEFT_OUT,
    "embeddings.position_embeddings": "position",
    "embeddings.patch_embeddings.projection.*": "patch.*",
    "encoder.layer.#.layernorm_before.*": "blocks.#.norm1.*",
    "encoder.layer.#.attention.attention.query.*": "blocks.#.attention.query.*",
    "encoder.layer.#.attention.attention.key.*": "blocks.#.attention.key.*",
    "encoder.layer.#.attention.attention.value.*": "blocks.#.attention.value.*",
    "encoder.layer.#.attention.output.dense.*": "blocks.#.attention.output.*",
    "encoder.layer.#.layernorm_after.*": "blocks.#.norm2.*",
    "encoder.layer.#.intermediate.dense.*": "blocks.#.perceptron.inner.*",
    "encoder.layer.#.output.dense.*": "blocks.#.perceptron.outer.*",
    "layernorm.*": "norm.*",
    "pooler.*": LEFT_OUT,
    "classifier.*": LEFT_OUT,
}


def architecture(config: Config, cls: bool = True) -> Architecture:
    """The shape that a config.json of this lineage describes."""
    said = DEFAULTS | dict(config)
    return Architecture(
        width=said["hidden_size"],
        depth=said["num_hidden_layers"],
        heads=said["num_attention_heads"],
        hidden=said["intermediate_size"],
        patch=square(said["patch_size"]),
        grid=grid(said),
        cls=cls,
        activation=ACTIVATION[said["hidden_act"]],
        qkv_bias=said["qkv_bias"],
        epsilon=said["layer_norm_eps"],
    )


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Both sides to the native size, bilinear, scaled to -1..1."""
    side = architecture.grid[0] * architecture.patch
    return Preprocessing(size=side, resize="squash", filter="bilinear", **HALF)


LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}


def _model(name: str, hub: str, parameters: int, shape: Config) -> Contract:
    form = architecture(shape)
    return Contract(
        name=name,
        family="vit",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="cls",
        parameters=parameters,
        hub=hub,
        licence="Apache-2.0",
        reference="https://arxiv.org/abs/2010.11929",
        notes=("Supervised on ImageNet-21k and fine-tuned on ImageNet-1k: the outsider among the others.",),
    )


vit = Family(
    name="vit",
    title="ViT",
    models=(
        _model("vit-b16", "google/vit-base-patch16-224", 85_798_656, {}),
        _model("vit-l16", "google/vit-large-patch16-224", 303_301_632, LARGE),
    ),
    model_types=("vit",),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="cls",
    keys=KEYS,
    prefixes=("vit.",),
)
