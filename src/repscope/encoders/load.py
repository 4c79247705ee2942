"""Load: an encoder from a name, `NAME@DIR`, or a folder; and which names there are."""

import os
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from repscope.encoders import configuration, hub, weights
from repscope.encoders.contract import Contract
from repscope.encoders.families import catalogue
from repscope.encoders.families.lab import EMBEDDED, configuration_of
from repscope.encoders.family import Family
from repscope.errors import UnfitCheckpoint, UnknownName, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repscope.encoders.encoder import Encoder
    from repscope.encoders.vit.model import ViT


@cache
def available() -> "Mapping[str, Contract]":
    """Every encoder that can be asked for by name, with its contract; imports no heavy library."""
    found = {contract.name: contract for family in catalogue.values() for contract in family.models}
    return MappingProxyType(found)


def cached(contract: Contract) -> bool:
    """Whether the weights are on this machine, so that loading needs no network."""
    return contract.family == "lab" or hub.cached(contract) is not None


def load(name: str) -> "Encoder":
    """An encoder, ready to be shown photos.

    Args:
        name: A name of `available()` (its published weights, fetched once and verified where their
            checksum is known), `NAME@DIR` (the same encoder from a local copy), or a folder or file
            (a Hugging Face folder, an encoder trained by the lab).

    Raises:
        UnknownName: no encoder is called so; the near ones are named.
        Unreachable: the hub, the network or a licence stands between us and the weights.
        UnfitCheckpoint: the weights there are not those of the encoder.
    """
    path = sought(name)
    if path is None:
        return _published(available()[name])
    before, at, _ = name.partition("@")
    return (
        _local(replace(available()[before], name=name), path) if at and before in available() else _folder(name, path)
    )


def sought(name: str) -> Path | None:
    """Where an encoder's files are, nothing of them read; None for a published one.

    Raises UnknownName and UnfitCheckpoint as `load` does, where no encoder is called so or nothing is there.
    """
    if name in available():
        return None
    before, at, place = name.partition("@")
    if at and before in available():
        return _existing(place)
    if path := _found(name):
        return path
    for contract in available().values():
        if name and name == contract.hub:
            raise WrongUsage(f"{name} is known here as {contract.name}; load it by that name.")
    if os.sep in name or name.endswith((".safetensors", ".onnx", *weights.PICKLED)):
        _existing(name)
    raise UnknownName("encoder", before if at else name, available(), "models")


def _found(place: str) -> Path | None:
    """A file or folder by its path, or None where there is none."""
    try:
        path = Path(place).expanduser()
        return path if place and path.exists() else None
    except (OSError, RuntimeError):  # a name that no file can have, or the home of nobody
        return None


def _existing(place: str) -> Path:
    if path := _found(place):
        return path
    raise UnfitCheckpoint(f"There is no file or folder {place!r}; give the folder that holds the weights.")


def _published(contract: Contract) -> "Encoder":
    if contract.family == "lab":
        return _assembled(contract, EMBEDDED / contract.file, f"repscope, {contract.file}")
    folder = hub.fetched(contract)
    file = folder / contract.file
    return _local(contract, file if file.is_file() else folder, f"{contract.hub}@{folder.name}", folder)


def _local(contract: Contract, place: Path, origin: str = "", folder: Path | None = None) -> "Encoder":
    """The encoder of a contract from a copy of its weights, whose config.json must agree with it."""
    family = catalogue[contract.family]
    folder = folder or (place if place.is_dir() else place.parent)
    said = configuration.config(folder)
    if said is not None:
        told = configuration.contract(str(folder), family, said, None).architecture
        # LayerNorm's epsilon differs between the authors' code and the hub's copies: the copy knows its own
        contract = replace(contract, architecture=replace(contract.architecture, epsilon=told.epsilon))
        if told != contract.architecture:
            raise UnfitCheckpoint(f"{folder} holds no {contract.name.split('@')[0]}: {_differences(contract, told)}.")
    return _assembled(contract, place, origin or str(place))


def _differences(contract: Contract, told: Any) -> str:
    pairs = ((f.name, getattr(contract.architecture, f.name), getattr(told, f.name)) for f in fields(told))
    return ", ".join(f"{name} is {is_}, not {wanted}" for name, wanted, is_ in pairs if wanted != is_)


def _folder(name: str, path: Path) -> "Encoder":
    """The encoder of a folder or file that says itself what it is."""
    if (graph := weights.graph(path)) is not None:
        from repscope.encoders.onnx import exported

        return exported(name, graph)
    folder = path if path.is_dir() else path.parent
    said = configuration.config(folder)
    if said is None:
        return _unconfigured(name, path)
    kind = said.get("model_type")
    family = next((f for f in catalogue.values() if kind in f.model_types and f.name != "lab"), None)
    if family is None:
        from repscope.encoders.hf import adapted

        return adapted(name, folder, said)
    return _assembled(configuration.contract(name, family, said, configuration.processor(folder)), path, str(path))


def _unconfigured(name: str, path: Path) -> "Encoder":
    """A lab encoder, or a published file that is known by its name."""
    file = weights.files(path)[0]
    if file.suffix == ".safetensors":
        said = configuration_of(file)
        if said is not None:
            return _assembled(configuration.contract(name, catalogue["lab"], said, None), file, str(file))
    for contract in available().values():
        if contract.file == file.name not in weights.NAMES and contract.family != "lab":
            return _assembled(replace(contract, name=name), file, str(file))
    raise UnfitCheckpoint(
        f"{path} does not say which encoder it holds: a Hugging Face folder has a config.json, an encoder of the lab "
        "its architecture in the file. If you know which one it is, load NAME@DIR."
    )


def _assembled(contract: Contract, place: Path, origin: str) -> "Encoder":
    from repscope.encoders.transformer import Transformer

    vit = _filled(contract, catalogue[contract.family], place)
    counted = sum(p.numel() for p in vit.parameters())
    return Transformer(replace(contract, parameters=counted), vit, lambda: f"{origin}, sha256 {weights.sha256(place)}")


def _filled(contract: Contract, family: Family, place: Path) -> "ViT":
    """The contract's transformer with the weights of a file or folder, float32, nothing held twice."""
    import torch

    from repscope.encoders.keys import arranged
    from repscope.encoders.vit.model import ViT

    with torch.device("meta"):
        vit = ViT(contract.architecture)
    wanted = {name: tuple(value.shape) for name, value in vit.state_dict().items()}
    state = arranged(weights.read(place), family, wanted, str(place))
    vit.load_state_dict({name: value.float() for name, value in state.items()}, assign=True)
    return vit.eval().requires_grad_(False)
