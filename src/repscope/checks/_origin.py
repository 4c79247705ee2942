"""Origin: where the weights on trial lie, which encoder they are said to be of, and whether they are the published."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from repscope.checks import _facts
from repscope.checks._subject import Subject
from repscope.encoders import weights
from repscope.encoders.families.lab import EMBEDDED
from repscope.encoders.load import available, sought
from repscope.encoders.onnx import COMPANIONS

Kind = Literal["package", "hub", "copy"]


@dataclass(frozen=True)
class Origin:
    """Nothing is read before it is asked for.

    Attributes:
        claimed: The published encoder the name is of; "" for a folder that goes by its path.
        kind: With the package, from the hub, or a local copy.
        place: File or folder.
    """

    claimed: str
    kind: Kind
    place: Path

    @property
    def folder(self) -> Path:
        return self.place if self.place.is_dir() else self.place.parent

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The files that hold the weights; raises UnfitCheckpoint where there are none, or several it could be."""
        graph = weights.graph(self.place)
        if graph is None:
            return weights.files(self.place)
        beside = (graph.with_name(graph.name + end) for end in COMPANIONS)
        return (graph, *(path for path in beside if path.is_file()))

    @property
    def digest(self) -> str:
        """SHA-256 of the weights; of the first file of an ONNX export."""
        graph = weights.graph(self.place)
        return weights.sha256(self.place if graph is None else graph)

    @property
    def pins(self) -> dict[str, dict[str, Any]]:
        """File -> what it must be, as far as it is known."""
        if digest := _facts.facts("embedded").get(f"{self.claimed}.safetensors"):
            return {f"{self.claimed}.safetensors": {"sha256": digest}}
        return _facts.facts("pins")["encoders"].get(self.claimed, {}).get("files", {})

    @property
    def pin(self) -> str:
        """SHA-256 of the published weights; "" where it is not known."""
        return next((said["sha256"] for said in self.pins.values()), "")

    @property
    def published(self) -> bool:
        """Whether they must be the published weights: fetched, come with the package, or of the same digest."""
        return self.kind != "copy" or bool(self.pin and self.digest == self.pin)


def origin(subject: Subject) -> Origin:
    """Raises UnknownName, Unreachable and UnfitCheckpoint as loading does; the contract has no say in it."""
    path = sought(subject.name)
    before = subject.name.partition("@")[0]
    claimed = before if before in available() else ""
    if path is not None:
        return Origin(claimed, "copy", path)
    contract = available()[subject.name]
    if contract.family == "lab":
        return Origin(claimed, "package", EMBEDDED / contract.file)
    found = subject.checkpoint
    assert found is not None
    return Origin(claimed, "hub", found.place)
