"""CLIP: the vision tower of image and text; a norm before its blocks and none after."""

from typing import Any

from repscope.encoders.contract import Contract, Preprocessing
from repscope.encoders.family import ACTIVATION, LEFT_OUT, Config, Family, grid, square
from repscope.encoders.vit.architecture import Architecture

DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "image_size": 224,
    "patch_size": 32,
}

TOWER = {
    "embeddings.patch_embedding.*": "patch.*",
    "embeddings.position_embedding.weight": "position",
    "embeddings.position_ids": LEFT_OUT,
    "encoder.layers.#.layer_norm1.*": "blocks.#.norm1.*",
    "encoder.layers.#.self_attn.q_proj.*": "blocks.#.attention.query.*",
    "encoder.layers.#.self_attn.k_proj.*": "blocks.#.attention.key.*",
    "encoder.layers.#.self_attn.v_proj.*": "blocks.#.attention.value.*",
    "encoder.layers.#.self_attn.out_proj.*": "blocks.#.attention.output.*",
    "encoder.layers.#.layer_norm2.*": "blocks.#.norm2.*",
    "encoder.layers.#.mlp.fc1.*": "blocks.#.perceptron.inner.*",
    "encoder.layers.#.mlp.fc2.*": "blocks.#.perceptron.outer.*",
    "text_model.*": LEFT_OUT,
    "logit_scale": LEFT_OUT,
}


def architecture(config: Config) -> Architecture:
    """The vision tower that a config.json of CLIP, or of its tower alone, describes."""
    said = DEFAULTS | dict(config.get("vision_config", config))
    return Architecture(
        width=said["hidden_size"],
        depth=said["num_hidden_layers"],
        heads=said["num_attention_heads"],
        hidden=said["intermediate_size"],
        patch=square(said["patch_size"]),
        grid=grid(said),
        activation=ACTIVATION[said["hidden_act"]],
        patch_bias=False,
        pre_norm=True,
        final_norm=False,
        epsilon=said["layer_norm_eps"],
    )


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Shortest edge and centre crop at the native size, bicubic, CLIP's own statistics."""
    side = architecture.grid[0] * architecture.patch
    return Preprocessing(
        size=side,
        resize="shortest",
        edge=side,
        filter="bicubic",
        mean=(0.48145466, 0.4578275, 0.40821073),
        deviation=(0.26862954, 0.26130258, 0.27577711),
    )


def _model(name: str, hub: str, parameters: int, shape: Config, revision: str = "") -> Contract:
    form = architecture(shape)
    return Contract(
        name=f"clip-vit-{name}",
        family="clip",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="cls",
        parameters=parameters,
        hub=f"openai/clip-vit-{hub}",
        revision=revision,
        licence="MIT",
        reference="https://arxiv.org/abs/2103.00020",
        notes=(
            "The output is the last block's, as `last_hidden_state` in transformers: CLIP norms only the CLS token, "
            "on its way into the space shared with text, and both are left out here.",
        ),
    )


clip = Family(
    name="clip",
    title="CLIP",
    models=(
        _model("b32", "base-patch32", 87_454_464, {}, "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268"),
        _model("b16", "base-patch16", 85_797_888, {"patch_size": 16}),
        _model(
            "l14",
            "large-patch14",
            303_177_728,
            {
                "hidden_size": 1024,
                "num_hidden_layers": 24,
                "num_attention_heads": 16,
                "intermediate_size": 4096,
                "patch_size": 14,
            },
            "32bd64288804d66eefd0ccbe215aa642df71cc41",
        ),
    ),
    model_types=("clip", "clip_vision_model"),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="cls",
    keys=TOWER
    | {
        "embeddings.class_embedding": "cls",
        "pre_layrnorm.*": "pre_norm.*",  # spelt so in every published checkpoint
        "post_layernorm.*": LEFT_OUT,
        "visual_projection.*": LEFT_OUT,
        "text_projection.*": LEFT_OUT,
    },
    prefixes=("vision_model.",),
)
