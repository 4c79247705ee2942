"""I-JEPA: predicts the representation of what is hidden; no CLS token."""

from functools import partial

from repscope.encoders.contract import Contract
from repscope.encoders.families import vit as lineage
from repscope.encoders.family import Config, Family

architecture = partial(lineage.architecture, cls=False)

HUGE = {
    "hidden_size": 1280,
    "num_hidden_layers": 32,
    "num_attention_heads": 16,
    "intermediate_size": 5120,
    "patch_size": 14,
    "layer_norm_eps": 1e-6,
}
GIANT = HUGE | {"hidden_size": 1408, "num_hidden_layers": 40, "intermediate_size": 6144, "patch_size": 16}


def _model(name: str, hub: str, parameters: int, shape: Config, revision: str = "") -> Contract:
    form = architecture(shape)
    return Contract(
        name=name,
        family="ijepa",
        architecture=form,
        preprocessing=lineage.preprocessing(form),
        pool="mean",
        parameters=parameters,
        hub=hub,
        revision=revision,
        licence="CC-BY-NC-4.0",
        reference="https://arxiv.org/abs/2301.08243",
        notes=(
            "Trained with ImageNet's mean and deviation; the hub's processor says 0.5 and 0.5, and the published "
            "reference outputs were made with those, so they are used here.",
            "The weights are those of the context encoder.",
            "Off the native grid the fixed sin-cos table is resampled (bicubic) as any learned one.",
        ),
    )


ijepa = Family(
    name="ijepa",
    title="I-JEPA",
    models=(
        _model(
            "ijepa-vit-h14",
            "facebook/ijepa_vith14_1k",
            630_762_240,
            HUGE,
            "973dbab2f91c91f9ca9219d92ec005bca969e744",
        ),
        _model("ijepa-vit-h14-22k", "facebook/ijepa_vith14_22k", 630_762_240, HUGE),
        _model(
            "ijepa-vit-h16-448",
            "facebook/ijepa_vith16_1k",
            631_668_480,
            HUGE | {"patch_size": 16, "image_size": 448},
        ),
        _model("ijepa-vit-g16", "facebook/ijepa_vitg16_22k", 1_011_368_576, GIANT),
    ),
    model_types=("ijepa",),
    architecture=architecture,
    preprocessing=lineage.preprocessing,
    pool="mean",
    keys=lineage.KEYS,
    prefixes=("ijepa.",),
)
