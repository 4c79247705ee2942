"""Verified: what this run has found out about its encoders, and what it has not. Nothing is carried over."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from repscope.checks._facts import facts
from repscope.encoders import Contract, Encoder, available, digests
from repscope.report import Table

NOT = ("published outputs", "parity with transformers", "digests of the preprocessing")
"""What only `repscope validate` asks."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found out about one encoder.

    Attributes:
        files: What the SHA-256 of its weights was held against.
        layout: What its keys and shapes were held against when it was loaded.
        tokens: Over how many photos they were finite and told patches apart.
        unverified: What was not asked.
    """

    encoder: str
    files: str
    layout: str
    tokens: str
    unverified: tuple[str, ...] = NOT


def verified(encoders: Sequence[Encoder], photos: int) -> list[Verified]:
    """Of encoders whose tokens were measured on this many photos."""
    told = f"finite, and told patches apart, on {photos} photo{'s' if photos > 1 else ''}"
    return [Verified(each.contract.name, _files(each), _layout(each), told) for each in encoders]


def verified_table(encoders: Sequence[Encoder], photos: int) -> Table:
    """A column per encoder; and in the caption what was not verified."""
    found = verified(encoders, photos)
    rows = tuple((name, *(getattr(each, name) for each in found)) for name in ("files", "layout", "tokens"))
    caption = (
        f"Not verified in this run: {', '.join(NOT)}. `repscope validate -m NAME` does, "
        "and `repscope verify REPORT` runs a saved report again. A large file is hashed once, and again when its "
        "size or times have changed."
    )
    return Table("Verified in this run", ("", *(each.encoder for each in found)), rows, caption)


def as_plain(encoders: Sequence[Encoder], photos: int) -> list[dict[str, Any]]:
    """The same for the provenance."""
    return [asdict(each) for each in verified(encoders, photos)]


def _files(encoder: Encoder) -> str:
    _, taken, digest = encoder.revision.rpartition("sha256 ")
    if not taken:
        return "not verified: the encoder is no file"
    before = "" if digests.taken(digest) else " (hashed on an earlier run; size and times are the same since)"
    return _held_against(encoder.contract, digest) + before


def _held_against(contract: Contract, digest: str) -> str:
    local = contract.name not in available()
    if contract.sha256 and digest == contract.sha256:
        return "a local copy; SHA-256 equals the published one" if local else "SHA-256 equals the pin"
    if contract.sha256 and local:
        return "a local copy that is not the published file, by its SHA-256"
    if contract.sha256:
        return "SHA-256 was taken; the pin is of another file, so it was held against nothing"
    if not local and facts("embedded").get(contract.file) == digest:
        return "comes with the package; SHA-256 equals the one noted there"
    where = "a local copy" if local else "published"
    return f"{where}; SHA-256 was taken, no pin is known"


def _layout(encoder: Encoder) -> str:
    return getattr(encoder, "layout", "") or "not verified: the encoder was not loaded by repscope"
