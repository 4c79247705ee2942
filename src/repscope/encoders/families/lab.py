"""Lab: encoders made by this project; a file carries its own architecture, and some come with the package."""

import json
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from repscope.encoders import configuration, weights
from repscope.encoders.contract import IMAGENET, Contract, Preprocessing
from repscope.encoders.family import Config, Family
from repscope.encoders.vit.architecture import Architecture
from repscope.errors import UnfitCheckpoint

EMBEDDED = Path(__file__).parents[1] / "embedded"
"""Whatever safetensors file lies here is an encoder of its name."""


TOLD = ("objective", "data", "epochs", "seed", "knn_accuracy")


def architecture(config: Config) -> Architecture:
    """The shape as the file's metadata has it."""
    said: dict[str, Any] = {**config, "grid": tuple(config["grid"])}
    said.pop("model_type", None)
    return Architecture(**said)


def preprocessing(architecture: Architecture) -> Preprocessing:
    """Shortest edge and centre crop to a grid of 16 x 16, bicubic, ImageNet's statistics."""
    side = 16 * architecture.patch
    return Preprocessing(size=side, resize="shortest", edge=side, filter="bicubic", **IMAGENET)


def configuration_of(file: Path) -> dict[str, Any] | None:
    """The config that a lab file carries in its metadata; None where it carries none."""
    said = weights.header(file).get("__metadata__")
    if not isinstance(said, dict) or "architecture" not in said:
        return None
    try:
        return {**json.loads(said["architecture"]), "model_type": "lab"}
    except (TypeError, ValueError, RecursionError) as error:
        raise UnfitCheckpoint(f"The architecture in the metadata of {file} reads as none: {error}.") from None


def card_of(file: Path) -> dict[str, Any]:
    """What a lab file says of its training: objective, recipe, epochs, seed."""
    try:
        card = json.loads((weights.header(file).get("__metadata__") or {}).get("card", "{}"))
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise UnfitCheckpoint(f"The card in the metadata of {file} reads as none: {error}.") from None
    return card if isinstance(card, dict) else {}


def embedded() -> Iterator[Contract]:
    """The contracts of the files that come with the package."""
    for file in sorted(EMBEDDED.glob("*.safetensors")):
        contract = configuration.contract(file.stem, lab, configuration_of(file) or {}, None)
        card = card_of(file)
        told = ", ".join(f"{name.replace('_', ' ')} {card[name]}" for name in TOLD if name in card)
        yield replace(
            contract,
            file=file.name,
            parameters=_count(file),
            licence="MIT",
            notes=(f"Made by this project and shipped with it: {told}.",) if told else (),
        )


def _count(file: Path) -> int:
    return sum(prod(said["shape"]) for name, said in weights.header(file).items() if name != "__metadata__")


lab = Family(
    name="lab",
    title="lab",
    model_types=("lab",),
    architecture=architecture,
    preprocessing=preprocessing,
    pool="mean",
    keys={"*": "*"},
)
lab = replace(lab, models=tuple(embedded()))
