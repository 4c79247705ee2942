"""layout: is it the transformer that its contract describes, every weight in its place and sound?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repscope.checks import _facts
from repscope.checks._check import Check, Finding, Verdict
from repscope.checks._subject import Subject
from repscope.checks._whole import tensors
from repscope.encoders import configuration, weights
from repscope.encoders.contract import Contract
from repscope.encoders.families import catalogue
from repscope.encoders.families.lab import configuration_of
from repscope.encoders.family import LEFT_OUT, Family
from repscope.encoders.load import Checkpoint, available
from repscope.errors import UnfitCheckpoint

if TYPE_CHECKING:
    from torch import Tensor

FLOATS = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""What weights may be saved in; float64 is a mistake, less than 16 bits and whole numbers are another encoder."""
SAVED = {
    **{"F64": "float64", "I8": "int8", "U8": "uint8", "I16": "int16", "I32": "int32", "I64": "int64", "BOOL": "bool"},
    **{"F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2"},
}
SHAPE = ("width", "depth", "heads", "patch", "cls", "registers")


def _run(subject: Subject) -> Iterator[Finding]:
    claimed = subject.name.partition("@")[0]
    contract = subject.contract
    yield from _contract(contract, _facts.facts("layouts")["encoders"].get(claimed))
    checkpoint = subject.checkpoint
    if checkpoint is None:
        yield from _elsewhere(subject)
        return
    yield _heads(subject, checkpoint)
    held = Held(checkpoint)
    yield held.types()
    yield held.keys()
    if not held.misfit:
        yield from _counts(claimed, checkpoint.contract, held.count)
        yield held.finite()


def _contract(contract: Contract, known: Mapping[str, Any] | None) -> Iterator[Finding]:
    """The contract's shape and tokens against the published ones."""
    a, (rows, columns) = contract.architecture, contract.grid
    time = contract.frames // a.tubelet if contract.frames else 1
    tokens = a.prefix + time * rows * columns
    shape = {name: getattr(a, name) for name in SHAPE} | {"size": contract.preprocessing.size}
    told = f"{a.depth} blocks, {a.width} wide, {a.heads} heads, patch {a.patch}"
    laid = f"{int(a.cls)} CLS, {a.registers} registers, {rows} x {columns} patches"
    laid += f" at {time} times: {tokens} tokens" if contract.frames else f": {tokens} tokens"
    if known is None:
        reason = f"nobody published a shape to compare with {told}; {laid}"
        yield Finding(about="shape and tokens of the contract", verdict="unchecked", said=reason)
        return
    wrong = [f"{name} is {is_}, published {known[name]}" for name, is_ in shape.items() if is_ != known[name]]
    yield Finding(
        about="shape and tokens of the contract",
        verdict="failed" if wrong else "verified",
        said="; ".join(wrong) or f"{told}; {laid}",
        source=known["source"],
    )


def _heads(subject: Subject, checkpoint: Checkpoint) -> Finding:
    """Weights do not tell how many heads there are, nor the epsilon: only a config.json does."""
    about = "heads, activation and positions"
    place = checkpoint.place
    said = configuration.config(place if place.is_dir() else place.parent)
    a = checkpoint.contract.architecture
    told = f"{a.heads} heads, {a.activation}, {a.position} positions, epsilon {a.epsilon:g}"
    if said is not None:  # that it contradicts the contract would have been raised
        return Finding(about=about, verdict="verified", said=told, source="config.json beside the weights")
    if checkpoint.contract.family == "lab" and _says_itself(place):  # the contract is made of it, or held against it
        return Finding(about=about, verdict="verified", said=told, source="the metadata of the file itself")
    whose = f"contract of {subject.name.partition('@')[0]}"
    reason = f"weights do not tell them and no config.json lies beside them; {told} are from the {whose}"
    return Finding(about=about, verdict="unchecked", said=reason)


def _says_itself(place: Path) -> bool:
    """Whether a file of the lab names its architecture in its metadata."""
    file, *others = weights.files(place)
    return not others and file.suffix == ".safetensors" and configuration_of(file) is not None


def _elsewhere(subject: Subject) -> Iterator[Finding]:
    reason = "another library reads its weights; what it makes of an image is looked at in the other checks"
    yield Finding(about="keys and types of the weights", verdict="unchecked", said=reason)
    contract = subject.encoder.contract
    (tokens,) = subject.encoder(subject.photos[:1])
    held, a = tokens, contract.architecture
    wrong = held.patches.shape[1:] != (*contract.grid, a.width)
    shape = f"patches {' x '.join(map(str, held.patches.shape[1:]))}, {held.registers.shape[1]} registers"
    yield Finding(
        about="tokens it makes of a photo",
        verdict="failed" if wrong else "verified",
        said=f"{shape}, {'a' if held.cls is not None else 'no'} CLS; all finite",
    )


class Held:
    """What a checkpoint holds; of safetensors the headers alone are read, until it is asked whether values are finite.

    Attributes:
        misfit: What is wrong with the keys; "" before they were looked at, or where nothing is.
    """

    def __init__(self, checkpoint: Checkpoint):
        self.contract, self.place = checkpoint.contract, checkpoint.place
        self.family: Family = catalogue[checkpoint.contract.family]
        self.misfit = ""
        self.count = 0

    @cached_property
    def described(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Type and shape of every tensor by its name in the file."""
        found: dict[str, tuple[str, tuple[int, ...]]] = {}
        for path in weights.files(self.place):
            if path.suffix == ".safetensors":
                said = tensors(weights.header(path))
                found |= {name: (each["dtype"], tuple(each["shape"])) for name, each in said.items()}
            else:
                held = weights.read(path).tensors
                found |= {name: (_short(value), tuple(value.shape)) for name, value in held.items()}
        return found

    def types(self) -> Finding:
        """Every tensor of the encoder is float32, float16 or bfloat16; what is left out may be anything."""
        from repscope.encoders.keys import translated

        kept: dict[str, str] = {}
        for key, (kind, _) in self.described.items():
            bare = key
            for prefix in self.family.prefixes:
                bare = bare.removeprefix(prefix)
            if translated(bare, self.family.keys) != LEFT_OUT:
                kept[key] = kind
        wrong = [f"{key} is {SAVED.get(kind, kind)}" for key, kind in kept.items() if kind not in FLOATS]
        tally = ", ".join(f"{n} {FLOATS[kind]}" for kind, n in Counter(kept.values()).most_common() if kind in FLOATS)
        said = f"{_some(wrong)}; weights are float32, float16 or bfloat16" if wrong else f"{tally} tensors"
        return Finding(about="types of the weights", verdict="failed" if wrong else "verified", said=said)

    def keys(self) -> Finding:
        """Every weight the architecture wants is there once, in its shape, and no other."""
        try:
            ours = self._arranged()
        except UnfitCheckpoint as error:
            self.misfit = str(error)
            return Finding(about="keys and shapes", verdict="failed", said=self.misfit, source=_OURS)
        self.count = sum(value.numel() for value in ours.values())
        said = f"{len(self.described)} tensors fill all {len(ours)} places of the architecture, none is left over"
        return Finding(about="keys and shapes", verdict="verified", said=said, source=_OURS)

    def _arranged(self) -> "dict[str, Tensor]":
        import torch

        from repscope.encoders.keys import arranged
        from repscope.encoders.vit.model import ViT

        with torch.device("meta"):
            wanted = {name: tuple(value.shape) for name, value in ViT(self.contract.architecture).state_dict().items()}
            shapes = {key: torch.empty(shape) for key, (_, shape) in self.described.items()}
        held = shapes if self.family.amend is None else weights.read(self.place).tensors  # what amends looks at values
        return arranged(held, self.family, wanted, str(self.place))

    def finite(self) -> Finding:
        """No NaN and no infinity, in what the encoder keeps: each tensor is read once."""
        import torch

        bad: list[str] = []
        with torch.inference_mode():
            held = weights.read(self.place)
            for key, value in held.tensors.items():
                if value.is_floating_point() and not key.endswith("bias_mask"):  # NaN until it is filled
                    total = value.sum(dtype=torch.float32) if value.numel() else torch.zeros(())
                    if not total.isfinite() and not value.isfinite().all():
                        bad.append(key)
                held.release()
        said = f"not finite: {_some(bad)}" if bad else f"all of {len(self.described)} tensors"
        return Finding(about="values are finite", verdict="failed" if bad else "verified", said=said)


_OURS = "the contract's architecture"


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def _short(value: "Tensor") -> str:
    name = str(value.dtype).removeprefix("torch.")
    return next((short for short, long in (FLOATS | SAVED).items() if long == name), name)


def _counts(claimed: str, contract: Contract, count: int) -> Iterator[Finding]:
    """Against the catalogue's count, and against the published one less what is no part of the encoder."""
    if (ours := available().get(claimed)) is not None and ours.parameters:
        yield _count("parameters, as the contract has them", count, ours.parameters, "the contract", "")
    known = _facts.facts("layouts")["encoders"].get(claimed)
    if known is None:
        reason = f"no count was published for it; {count:,} are here"
        yield Finding(about="parameters, as published", verdict="unchecked", said=reason)
        return
    parts = {what: beside(what, asdict(contract.architecture)) for what in known["beside"]}
    told = "; ".join(f"{what}: {number:+,}" for what, number in parts.items())
    yield _count("parameters, as published", count + sum(parts.values()), known["parameters"], known["source"], told)


def _count(about: str, found: int, wanted: int, source: str, told: str) -> Finding:
    verdict: Verdict = "verified" if found == wanted else "failed"
    said = f"{found:,}" + ("" if found == wanted else f", wanted {wanted:,}") + (f" (with {told})" if told else "")
    return Finding(about=about, verdict=verdict, said=said, source=source)


def beside(what: str, shape: Mapping[str, Any]) -> int:
    """Parameters that a published count has more than the encoder here (negative: fewer).

    >>> beside("mask token", {"width": 384})
    384
    """
    width = shape["width"]
    if what == "mask token":
        return width
    if what == "no key bias":
        return -width * shape["depth"]
    if what == "post-norm":
        return 2 * width
    hidden = shape["hidden"]  # attention head: probe, attention, norm, perceptron
    return width + 4 * width * (width + 1) + 2 * width + 2 * width * hidden + hidden + width


layout = Check(
    name="layout",
    asks="Shape, tokens, keys, types and the count of parameters are those of the contract and as published.",
    run=_run,
)
