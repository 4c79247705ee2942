"""DINOv3: rotary positions of normalised coordinates, four registers, no bias on the keys."""

from typing import Any

from repscope.encoders.contract import IMAGENET, Contract, Preprocessing, Statistics
from repscope.encoders.family import ACTIVATION, LEFT_OUT, Config, Family, grid, square
from repscope.encoders.vit.architecture import Architecture

DEFAULTS: dict[str, Any] = {
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 6,
    "intermediate_size": 1536,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "image_size": 224,
    "patch_size": 16,
    "num_register_tokens": 0,
    "use_gated_mlp": False,
    "query_bias": True,
    "value_bias": True,
}
AS_PUBLISHED = {"rope_theta": 100.0, "key_bias": False, "proj_bias": True, "mlp_bias": True}


def architecture(config: Config) -> Architecture:
    """The shape that a config.json of DINOv3 describes."""
    for option, value in AS_PUBLISHED.items():
        if config.get(option, value) != value:
            raise ValueError(f"{option} is {config[option]}; every published DINOv3 has {value}")
    said = DEFAULTS | dict(config)
    gated = said["use_gated_mlp"]
    if gated and said["hidden_act"] != "silu":
        raise ValueError(f"a gated perceptron with {said['hidden_act']}; published ones have silu")
    if said["query_bias"] != said["value_bias"]:
        raise ValueError("a bias on queries or values alone; published models have both or none")
    return Architecture(
        width=said["hidden_size"],
        depth=said["num_hidden_layers"],
        heads=said["num_attention_heads"],
        hidden=said["intermediate_size"],
        patch=square(said["patch_size"]),
        grid=grid(said),
        registers=said["num_register_tokens"],
        position="rotary",
        activation="swiglu" if gated else ACTIVATION[said["hidden_act"]],
        qkv_bias=said["query_bias"],
        layer_scale=True,
        epsilon=said["layer_norm_eps"],
    )


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Both sides to 224 at patch 16, bilinear on floats, ImageNet's statistics."""
    return Preprocessing(size=14 * architecture.patch, resize="squash", filter="bilinear-float", **IMAGENET)


SATELLITE: Statistics = {"mean": (0.430, 0.411, 0.296), "deviation": (0.213, 0.156, 0.143)}
GATED = {"use_gated_mlp": True, "hidden_act": "silu"}
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
KEY_BIAS = "The counted parameters hold a zero bias for each key projection, which the published model lacks."
SEVEN_BILLION = GATED | {
    "hidden_size": 4096,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "intermediate_size": 8192,
    "query_bias": False,
    "value_bias": False,
}


def _model(name: str, parameters: int, shape: Config, revision: str = "", satellite: bool = False) -> Contract:
    form = architecture({"num_register_tokens": 4, **shape})
    rule = preprocessing(form)
    notes = (KEY_BIAS,) if form.qkv_bias else ()
    if satellite:
        rule = Preprocessing(size=rule.size, resize=rule.resize, filter=rule.filter, **SATELLITE)
        notes += ("Trained on satellite images with their own mean and deviation.",)
    return Contract(
        name=f"dinov3-vit-{name}",
        family="dinov3",
        architecture=form,
        preprocessing=rule,
        pool="cls",
        parameters=parameters,
        hub=f"facebook/dinov3-vit{name.removesuffix('-sat')}-pretrain-{'sat493m' if satellite else 'lvd1689m'}",
        revision=revision,
        licence="DINOv3 License",
        reference="https://arxiv.org/abs/2508.10104",
        gated=True,
        notes=notes,
    )


dinov3 = Family(
    name="dinov3",
    title="DINOv3",
    models=(
        _model("s16", 21_600_768, {}, "114c1379950215c8b35dfcd4e90a5c251dde0d32"),
        _model("s16plus", 28_697_088, GATED),
        _model("b16", 85_668_864, {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072}),
        _model("l16", 303_153_152, LARGE),
        _model("l16-sat", 303_153_152, LARGE, satellite=True),
        _model(
            "h16plus",
            840_632_320,
            GATED
            | {"hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 20, "intermediate_size": 5120},
        ),
        _model("7b16", 6_716_030_976, SEVEN_BILLION),
        _model("7b16-sat", 6_716_030_976, SEVEN_BILLION, satellite=True),
    ),
    model_types=("dinov3_vit",),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="cls",
    keys={
        "embeddings.cls_token": "cls",
        "embeddings.register_tokens": "registers",
        "embeddings.mask_token": LEFT_OUT,
        "embeddings.patch_embeddings.*": "patch.*",
        "layer.#.norm1.*": "blocks.#.norm1.*",
        "layer.#.attention.q_proj.*": "blocks.#.attention.query.*",
        "layer.#.attention.k_proj.weight": "blocks.#.attention.key.weight",
        "layer.#.attention.v_proj.*": "blocks.#.attention.value.*",
        "layer.#.attention.o_proj.*": "blocks.#.attention.output.*",
        "layer.#.layer_scale1.lambda1": "blocks.#.scale1",
        "layer.#.norm2.*": "blocks.#.norm2.*",
        "layer.#.mlp.gate_proj.*": "blocks.#.perceptron.gate.*",
        "layer.#.mlp.up_proj.*": "blocks.#.perceptron.up.*",
        "layer.#.mlp.down_proj.*": "blocks.#.perceptron.outer.*",
        "layer.#.layer_scale2.lambda1": "blocks.#.scale2",
        "norm.*": "norm.*",
    },
    prefixes=("model.",),
    without_key_bias=True,
)
