"""MAE: masked autoencoder; here nothing is masked and patches keep their raster order."""

from repscope.encoders.contract import Contract
from repscope.encoders.families.dino import preprocessing
from repscope.encoders.families.vit import KEYS, LARGE, architecture
from repscope.encoders.family import LEFT_OUT, Config, Family

HUGE = {
    "hidden_size": 1280,
    "num_hidden_layers": 32,
    "num_attention_heads": 16,
    "intermediate_size": 5120,
    "patch_size": 14,
}


def _model(name: str, size: str, parameters: int, shape: Config) -> Contract:
    form = architecture(shape)
    return Contract(
        name=name,
        family="mae",
        architecture=form,
        preprocessing=preprocessing(form),
        pool="cls",
        parameters=parameters,
        hub=f"facebook/vit-mae-{size}",
        licence="CC-BY-NC-4.0",
        reference="https://arxiv.org/abs/2111.06377",
        notes=(
            "The authors' repository says CC-BY-NC-4.0, the hub's page Apache-2.0; the stricter is stated here.",
            "The hub's processor squashes the photo, bilinear; the authors evaluate at shortest edge 256, bicubic, "
            "centre crop 224.",
            "The transformers class masks 75 % of the patches at random and returns the rest shuffled; here all "
            "patches are shown.",
            "The hub's configuration has LayerNorm epsilon 1e-12; the authors' code has 1e-6.",
        ),
    )


mae = Family(
    name="mae",
    title="MAE",
    models=(
        _model("mae-vit-b16", "base", 85_798_656, {}),
        _model("mae-vit-l16", "large", 303_301_632, LARGE),
        _model("mae-vit-h14", "huge", 630_764_800, HUGE),
    ),
    model_types=("vit_mae",),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="cls",
    keys=KEYS | {"decoder.*": LEFT_OUT},
    prefixes=("vit.",),
)
