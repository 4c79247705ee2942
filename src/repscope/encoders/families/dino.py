"""DINO: self-distillation with a small patch; saved through the ViT class."""

from repscope.encoders.contract import IMAGENET, Contract, Preprocessing
from repscope.encoders.families.vit import KEYS, architecture
from repscope.encoders.family import Config, Family
from repscope.encoders.vit.architecture import Architecture


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Both sides to the native size, bilinear, ImageNet's statistics."""
    side = architecture.grid[0] * architecture.patch
    return Preprocessing(size=side, resize="squash", filter="bilinear", **IMAGENET)


SMALL = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536}


def _model(size: str, parameters: int, shape: Config) -> Contract:
    form = architecture(shape)
    return Contract(
        name=f"dino-vit-{size}",
        family="dino",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="cls",
        parameters=parameters,
        hub=f"facebook/dino-vit{size}",
        licence="Apache-2.0",
        reference="https://arxiv.org/abs/2104.14294",
        notes=("The hub's configuration has LayerNorm epsilon 1e-12; the authors' code has 1e-6.",),
    )


dino = Family(
    name="dino",
    title="DINO",
    models=(
        _model("s8", 21_670_272, SMALL | {"patch_size": 8}),
        _model("s16", 21_665_664, SMALL),
        _model("b8", 85_807_872, {"patch_size": 8}),
        _model("b16", 85_798_656, {}),
    ),
    architecture=architecture,  # a folder says model_type "vit": nothing there tells DINO apart
    preprocessing=preprocessing,
    pool="cls",
    keys=KEYS,
    prefixes=("vit.",),
)
