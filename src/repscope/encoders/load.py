"""Load: an encoder from a name, `NAME@DIR`, or a folder; and which names there are."""

import os
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_args

from repscope.encoders import configuration, digests, hub, weights
from repscope.encoders.contract import Contract, Precision
from repscope.encoders.families import catalogue
from repscope.encoders.families.lab import EMBEDDED, configuration_of
from repscope.encoders.precision import Asked, auto
from repscope.errors import UnfitCheckpoint, UnknownName, Unsupported, WrongUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from repscope.encoders.encoder import Encoder, Staged
    from repscope.encoders.transformer import Transformer
    from repscope.encoders.vit.model import ViT


@cache
def available() -> "Mapping[str, Contract]":
    """Every encoder that can be asked for by name, with its contract; imports no heavy library."""
    found = {contract.name: contract for family in catalogue.values() for contract in family.models}
    return MappingProxyType(found)


def cached(contract: Contract) -> bool:
    """Whether the weights are on this machine, so that loading needs no network."""
    return contract.family == "lab" or hub.cached(contract) is not None


def load(name: str, precision: Asked = "auto", device: str = "cpu") -> "Staged":
    """An encoder, ready to be shown photos.

    Args:
        name: A name of `available()` (its published weights, fetched once and verified where their
            checksum is known), `NAME@DIR` (the same encoder from a local copy), or a folder or file
            (a Hugging Face folder, an encoder trained by the lab).
        precision: `auto` is `bfloat16` where the device multiplies it fast and the encoder is wide enough to gain by
            it, `float32` elsewhere; `.precision` says which it came to. `bfloat16` rounds what the blocks multiply,
            attention included. The sums, what blocks add to, norms and tokens are float32. Tokens differ from those of
            `float32` by a few thousandths, relative to their norm; rank and other readings of small eigenvalues may
            differ by more.
        device: `cpu`, or another that torch knows here, such as `cuda`. Photos come from the CPU, tokens go there.

    Raises:
        UnknownName: no encoder is called so, or no precision; the near ones are named.
        Unreachable: the hub, the network or a licence stands between us and the weights.
        Unwritable: the hub's cache has no room for them, or may not be written.
        UnfitCheckpoint: the weights there are not those of the encoder.
        Unsupported: another library runs it, which is missing or cannot do this.
    """
    if precision not in get_args(Asked):
        raise UnknownName("precision", precision, get_args(Asked))
    found = resolved(name)
    if isinstance(found, Checkpoint):
        return found.encoder(precision_of(precision, device, found.contract), device)
    if precision == "bfloat16" or device != "cpu":
        raise Unsupported(
            f"{name} is run by another library, in its own precision on the CPU; {precision} on {device} is for "
            "encoders whose weights repscope reads itself. Leave it out."
        )
    return found()


def precision_of(precision: Asked, device: str, contract: Contract) -> Precision:
    """What is asked for, `auto` decided for this encoder on this device."""
    return auto(device, contract.architecture.width).precision if precision == "auto" else precision


def trainable(name: str) -> "Encoder":
    """The encoder that `load` gives, in float32 and with weights that can be trained, which looks more slowly."""
    found = resolved(name)
    return found.encoder() if isinstance(found, Checkpoint) else found()


@dataclass(frozen=True)
class Checkpoint:
    """Weights on this machine, and the contract they must fit.

    Attributes:
        held: What the contract is made from or was held against, which keys and shapes then are.
    """

    contract: Contract
    place: Path
    origin: str
    held: str = "the contract"

    def encoder(self, precision: Precision | None = None, device: str = "cpu") -> "Transformer":
        """The encoder, its network packed where a precision is named, and trainable otherwise."""
        from repscope.encoders.transformer import Transformer

        vit = self.shape()
        contract = replace(self.contract, parameters=self.parameters())
        network: Any = vit
        if precision is None or device != "cpu":
            vit.load_state_dict(self.read()[0], assign=True)
            vit.eval().requires_grad_(False).float()
        if precision is not None and device != "cpu":
            from repscope.encoders.elsewhere import Elsewhere

            network = Elsewhere(vit, device, precision)
        elif precision is not None:
            from repscope.encoders.converted import converted
            from repscope.encoders.vit.packed import packed

            packed(vit, precision, *converted(self, precision))
        exact = partial(self.encoder, "float32", device)
        return Transformer(contract, network, lambda: self.revision, precision or "float32", self.layout, exact)

    @property
    def layout(self) -> str:
        """What keys and shapes are held against when the weights are read."""
        return f"all keys and shapes agree with {self.held}"

    @property
    def revision(self) -> str:
        """Where the weights are from, and their SHA-256."""
        return f"{self.origin}, sha256 {digests.sha256(self.place)}"

    def parameters(self) -> int:
        """Numbers in its weights, as its transformer has them."""
        return sum(weight.numel() for weight in self.shape().parameters())

    def shape(self) -> "ViT":
        """The contract's transformer, without its weights."""
        import torch

        from repscope.encoders.vit.model import ViT

        with torch.device("meta"):
            return ViT(self.contract.architecture)

    def read(self) -> "tuple[dict[str, Tensor], Callable[[], None]]":
        """Its weights by our names, in the type they were saved in, mapped rather than copied; and what lets them go.

        Raises UnfitCheckpoint where they do not fit the contract.
        """
        from repscope.encoders.keys import arranged

        wanted = {name: tuple(value.shape) for name, value in self.shape().state_dict().items()}
        held = weights.read(self.place)
        return arranged(held.tensors, catalogue[self.contract.family], wanted, str(self.place)), held.release


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


def resolved(name: str) -> "Checkpoint | Callable[[], Staged]":
    """What an encoder is made of: weights that are read here, or what makes it through another library."""
    path = sought(name)
    if path is None:
        return _published(available()[name])
    before, at, _ = name.partition("@")
    return (
        _local(replace(available()[before], name=name), path) if at and before in available() else _folder(name, path)
    )


def _published(contract: Contract) -> Checkpoint:
    if contract.family == "lab":
        return Checkpoint(contract, EMBEDDED / contract.file, f"repscope, {contract.file}")
    folder = hub.fetched(contract)
    file = folder / contract.file
    return _local(contract, file if file.is_file() else folder, f"{contract.hub}@{folder.name}", folder)


def _local(contract: Contract, place: Path, origin: str = "", folder: Path | None = None) -> Checkpoint:
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
    held = "the contract; there is no config.json" if said is None else "the contract, and so does config.json"
    return Checkpoint(contract, place, origin or str(place), held)


def _differences(contract: Contract, told: Any) -> str:
    pairs = ((f.name, getattr(contract.architecture, f.name), getattr(told, f.name)) for f in fields(told))
    return ", ".join(f"{name} is {is_}, not {wanted}" for name, wanted, is_ in pairs if wanted != is_)


def _folder(name: str, path: Path) -> "Checkpoint | Callable[[], Staged]":
    """The encoder of a folder or file that says itself what it is."""
    if (graph := weights.graph(path)) is not None:
        from repscope.encoders.onnx import exported

        return partial(exported, name, graph)
    folder = path if path.is_dir() else path.parent
    said = configuration.config(folder)
    if said is None:
        return _unconfigured(name, path)
    kind = said.get("model_type")
    family = next((f for f in catalogue.values() if kind in f.model_types and f.name != "lab"), None)
    if family is None:
        from repscope.encoders.hf import adapted

        return partial(adapted, name, folder, said)
    contract = configuration.contract(name, family, said, configuration.processor(folder))
    return Checkpoint(contract, path, str(path), "the config.json beside them")


def _unconfigured(name: str, path: Path) -> Checkpoint:
    """A lab encoder, or a published file that is known by its name."""
    file = weights.files(path)[0]
    if file.suffix == ".safetensors":
        said = configuration_of(file)
        if said is not None:
            contract = configuration.contract(name, catalogue["lab"], said, None)
            return Checkpoint(contract, file, str(file), "the architecture in the file")
    for contract in available().values():
        if contract.file == file.name not in weights.NAMES and contract.family != "lab":
            return Checkpoint(replace(contract, name=name), file, str(file))
    raise UnfitCheckpoint(
        f"{path} does not say which encoder it holds: a Hugging Face folder has a config.json, an encoder of the lab "
        "its architecture in the file. If you know which one it is, load NAME@DIR."
    )
