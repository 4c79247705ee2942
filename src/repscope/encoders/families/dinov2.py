"""DINOv2: self-distillation and masked patches; with register tokens in its second edition."""

from typing import Any

from repscope.encoders.contract import IMAGENET, Contract, Preprocessing
from repscope.encoders.families import vit as lineage
from repscope.encoders.family import ACTIVATION, Config, Family, grid, square
from repscope.encoders.vit.architecture import Architecture

DEFAULTS: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "mlp_ratio": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "image_size": 224,
    "qkv_bias": True,
    "use_swiglu_ffn": False,
}


def architecture(config: Config) -> Architecture:
    """The shape that a config.json of DINOv2, with or without registers, describes."""
    with_registers = config.get("model_type") == "dinov2_with_registers"
    said: dict[str, Any] = {**DEFAULTS, "patch_size": 16 if with_registers else 14, **config}
    hidden, gated = int(said["hidden_size"] * said["mlp_ratio"]), said["use_swiglu_ffn"]
    return Architecture(
        width=said["hidden_size"],
        depth=said["num_hidden_layers"],
        heads=said["num_attention_heads"],
        hidden=(int(hidden * 2 / 3) + 7) // 8 * 8 if gated else hidden,
        patch=square(said["patch_size"]),
        grid=grid(said),
        registers=said.get("num_register_tokens", 4) if with_registers else 0,
        resample="bicubic-antialias" if with_registers else "bicubic",
        activation="swiglu" if gated else ACTIVATION[said["hidden_act"]],
        qkv_bias=said["qkv_bias"],
        layer_scale=True,
        epsilon=said["layer_norm_eps"],
    )


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Shortest edge 256, centre crop 224 at patch 14: a 16 x 16 grid, whatever the native one."""
    side = 16 * architecture.patch
    return Preprocessing(size=side, resize="shortest", edge=side * 256 // 224, filter="bicubic", **IMAGENET)


SIZES: dict[str, tuple[str, Config]] = {
    "s14": ("small", {"hidden_size": 384, "num_attention_heads": 6}),
    "b14": ("base", {"hidden_size": 768, "num_attention_heads": 12}),
    "l14": ("large", {"hidden_size": 1024, "num_attention_heads": 16, "num_hidden_layers": 24}),
    "g14": (
        "giant",
        {"hidden_size": 1536, "num_attention_heads": 24, "num_hidden_layers": 40, "use_swiglu_ffn": True},
    ),
}
TWO_RULES = (
    "Positions are resampled by the rule of transformers since 4.46 (bicubic to the size asked). The authors' code "
    "and older releases scale by a factor with .1 added: outputs differ by up to .1."
)


def _model(size: str, parameters: int, revision: str = "", sha256: str = "", registers: bool = False) -> Contract:
    word, shape = SIZES[size]
    kind = "dinov2_with_registers" if registers else "dinov2"
    form = architecture({"model_type": kind, "image_size": 518, "patch_size": 14, **shape})
    return Contract(
        name=f"dinov2-{'reg-' if registers else ''}vit-{size}",
        family="dinov2",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="cls",
        parameters=parameters,
        hub=f"facebook/dinov2-{'with-registers-' if registers else ''}{word}",
        revision=revision,
        sha256=sha256,
        licence="Apache-2.0",
        reference=f"https://arxiv.org/abs/{'2309.16588' if registers else '2304.07193'}",
        notes=() if registers else (TWO_RULES,),
    )


dinov2 = Family(
    name="dinov2",
    title="DINOv2",
    models=(
        _model(
            "s14",
            22_056_192,
            "ed25f3a31f01632728cabb09d1542f84ab7b0056",
            "ae1e99fcefd534ed978cdeb8326f08030c96e28b7a81ffcbc98a857c84d14be1",
        ),
        _model(
            "b14",
            86_579_712,
            "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
            "d73036b56966966d07975d696bde331762f37297e2f095de8cea0040c3aa0841",
        ),
        _model(
            "l14",
            304_367_616,
            "47b73eefe95e8d44ec3623f8890bd894b6ea2d6c",
            "399fba97a95f22c36834418bc69373364a99af3a1153da1c0fb31db567c92e23",
        ),
        _model("g14", 1_136_479_232, "611a9d42f2335e0f921f1e313ad3c1b7178d206d"),
        _model("s14", 22_057_728, registers=True),
        _model("b14", 86_582_784, registers=True),
        _model("l14", 304_371_712, registers=True),
        _model("g14", 1_136_485_376, registers=True),
    ),
    model_types=("dinov2", "dinov2_with_registers"),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="cls",
    keys={
        **{
            theirs: ours
            for theirs, ours in lineage.KEYS.items()
            if theirs.startswith(("embeddings.", "encoder.layer.#.attention.", "layernorm.", "classifier."))
        },
        "embeddings.register_tokens": "registers",
        "encoder.layer.#.norm1.*": "blocks.#.norm1.*",
        "encoder.layer.#.layer_scale1.lambda1": "blocks.#.scale1",
        "encoder.layer.#.norm2.*": "blocks.#.norm2.*",
        "encoder.layer.#.mlp.fc1.*": "blocks.#.perceptron.inner.*",
        "encoder.layer.#.mlp.fc2.*": "blocks.#.perceptron.outer.*",
        "encoder.layer.#.mlp.weights_in.*": "blocks.#.perceptron.inner.*",
        "encoder.layer.#.mlp.weights_out.*": "blocks.#.perceptron.outer.*",
        "encoder.layer.#.layer_scale2.lambda1": "blocks.#.scale2",
    },
    prefixes=("dinov2.", "dinov2_with_registers."),
)
