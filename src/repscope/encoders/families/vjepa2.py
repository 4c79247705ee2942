"""V-JEPA 2: a video encoder; a still image is repeated to 16 frames, and time is averaged away at the end."""

from typing import Any

from repscope.encoders.contract import IMAGENET, Contract, Preprocessing
from repscope.encoders.family import ACTIVATION, LEFT_OUT, Config, Family, grid, square
from repscope.encoders.vit.architecture import Architecture

FRAMES = 16
DEFAULTS: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "mlp_ratio": 4.0,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "crop_size": 256,
    "patch_size": 16,
    "tubelet_size": 2,
    "qkv_bias": True,
}


def architecture(config: Config) -> Architecture:
    """The shape that a config.json of V-JEPA 2 describes; its predictor is left out."""
    said = DEFAULTS | dict(config)
    if FRAMES % said["tubelet_size"]:
        raise ValueError(f"tubelets of {said['tubelet_size']} frames do not divide {FRAMES} frames")
    return Architecture(
        width=said["hidden_size"],
        depth=said["num_hidden_layers"],
        heads=said["num_attention_heads"],
        hidden=int(said["hidden_size"] * said["mlp_ratio"]),
        patch=square(said["patch_size"]),
        grid=grid(said, "crop_size"),
        tubelet=said["tubelet_size"],
        cls=False,
        position="rotary-video",
        activation=ACTIVATION[said["hidden_act"]],
        qkv_bias=said["qkv_bias"],
        epsilon=said["layer_norm_eps"],
    )


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Shortest edge 256/224 of the crop (even for a photo of the right size), then the centre."""
    side = architecture.grid[0] * architecture.patch
    return Preprocessing(size=side, resize="shortest", edge=side * 256 // 224, filter="bilinear", **IMAGENET)


HUGE = {"hidden_size": 1280, "num_hidden_layers": 32}
GIANT = {"hidden_size": 1408, "num_hidden_layers": 40, "num_attention_heads": 22, "mlp_ratio": 48 / 11}


def _model(letter: str, parameters: int, shape: Config, licence: str, revision: str, sha256: str = "") -> Contract:
    form = architecture(shape)
    side = form.grid[0] * form.patch
    return Contract(
        name=f"vjepa2-vit{letter}-img16-{side}",
        family="vjepa2",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="mean",
        frames=FRAMES,
        parameters=parameters,
        hub=f"facebook/vjepa2-vit{letter}-fpc64-{side}",
        revision=revision,
        sha256=sha256,
        licence=licence,
        reference="https://arxiv.org/abs/2506.09985",
        notes=(
            "A still image is repeated to 16 frames, as in the authors' image evaluation; with other counts the "
            "tokens differ strongly. `frames` keeps the 8 groups in time, `patches` is their mean.",
            "The shortest edge is scaled to 256/224 of the crop even where the photo has the right size: the "
            "official framing zooms in by 14 %.",
            "Effective rank is fragile in bfloat16; the residual stream, over which time is averaged, is float32 here.",
        ),
    )


vjepa2 = Family(
    name="vjepa2",
    title="V-JEPA 2",
    models=(
        _model(
            "l",
            303_885_312,
            {},
            "MIT",
            "b3c1679b7c34d3255ef3547f27c7b226aefab26f",
            "25466aef85727d16546c6cf8c99f12fcfad9cbca8225d45f23685e2e025b786b",
        ),
        _model("h", 631_648_000, HUGE, "MIT", "b5eac8703e3efdc1547fbb6ddfbeb133dc0bdee5"),
        _model("g", 1_012_173_952, GIANT, "Apache-2.0", "875c192b7b704b87d1e1d99345769632dd5f739a"),
        _model(
            "g",
            1_012_173_952,
            GIANT | {"crop_size": 384},
            "Apache-2.0",
            "12ca91694b230e0d4b5b0078af6f4ae1d51e933d",
        ),
    ),
    model_types=("vjepa2",),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="mean",
    keys={
        "encoder.embeddings.patch_embeddings.proj.*": "patch.*",
        "encoder.layer.#.norm1.*": "blocks.#.norm1.*",
        "encoder.layer.#.attention.query.*": "blocks.#.attention.query.*",
        "encoder.layer.#.attention.key.*": "blocks.#.attention.key.*",
        "encoder.layer.#.attention.value.*": "blocks.#.attention.value.*",
        "encoder.layer.#.attention.proj.*": "blocks.#.attention.output.*",
        "encoder.layer.#.norm2.*": "blocks.#.norm2.*",
        "encoder.layer.#.mlp.fc1.*": "blocks.#.perceptron.inner.*",
        "encoder.layer.#.mlp.fc2.*": "blocks.#.perceptron.outer.*",
        "encoder.layernorm.*": "norm.*",
        "predictor.*": LEFT_OUT,
        "pooler.*": LEFT_OUT,
        "classifier.*": LEFT_OUT,
    },
    prefixes=("vjepa2.",),
    frames=FRAMES,
)
