"""SigLIP: the vision tower of image and text trained pair by pair; no CLS token."""

from typing import Any

from repscope.encoders.contract import HALF, Contract, Preprocessing
from repscope.encoders.families.clip import TOWER
from repscope.encoders.family import ACTIVATION, LEFT_OUT, Config, Family, grid, square
from repscope.encoders.vit.architecture import Architecture

DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
    "image_size": 224,
    "patch_size": 16,
}


def architecture(config: Config) -> Architecture:
    """The vision tower that a config.json of SigLIP, or of its tower alone, describes."""
    said = DEFAULTS | dict(config.get("vision_config", config))
    return Architecture(
        width=said["hidden_size"],
        depth=said["num_hidden_layers"],
        heads=said["num_attention_heads"],
        hidden=said["intermediate_size"],
        patch=square(said["patch_size"]),
        grid=grid(said),
        cls=False,
        activation=ACTIVATION[said["hidden_act"]],
        epsilon=said["layer_norm_eps"],
    )


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Both sides to the native size, bicubic, scaled to -1..1."""
    side = architecture.grid[0] * architecture.patch
    return Preprocessing(size=side, resize="squash", filter="bicubic", **HALF)


SO400M = {
    "hidden_size": 1152,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "intermediate_size": 4304,
    "patch_size": 14,
}


def _model(name: str, hub: str, parameters: int, shape: Config) -> Contract:
    form = architecture(shape)
    return Contract(
        name=name,
        family="siglip",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="mean",
        parameters=parameters,
        hub=hub,
        licence="Apache-2.0",
        reference="https://arxiv.org/abs/2303.15343",
        notes=("Its authors pool with an attention head, which is left out: `mean` is ours, not theirs.",),
    )


siglip = Family(
    name="siglip",
    title="SigLIP",
    models=(
        _model("siglip-vit-b16", "google/siglip-base-patch16-224", 85_797_120, {}),
        _model("siglip-so400m", "google/siglip-so400m-patch14-224", 412_442_352, SO400M),
    ),
    model_types=("siglip", "siglip_vision_model"),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="mean",
    keys=TOWER | {"post_layernorm.*": "norm.*", "head.*": LEFT_OUT, "logit_bias": LEFT_OUT},
    prefixes=("vision_model.",),
)
