"""Inputs: what two runs of a recipe were given, as their provenance says it, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any

ABSENT = "–"


@dataclass(frozen=True, slots=True)
class Input:
    """One input of both runs.

    Attributes:
        decides: Whether another is another question, a photo, an encoder, an option, or another answer, as what was
            verified. Batch, precision, versions, machine and threads are not, nor what a contract says that nothing is
            computed from, as the licence; what they do to numbers is seen in the numbers.
    """

    what: str
    then: str
    now: str
    decides: bool

    @property
    def same(self) -> bool:
        return self.then == self.now


def inputs_of(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Input]:
    """Photos, encoders, set, options, versions and machine; of a provenance that may be a stranger's."""
    found = [
        *_both(_photos(then), _photos(now), decides=True),
        *_both(_encoders(then), _encoders(now), decides=True),
        *_both(_verified(then), _verified(now), decides=True),
        *_both(_labels(then), _labels(now), decides=False),
        *_both(_set(then, told=False), _set(now, told=False), decides=True),
        *_both(_options(then), _options(now), decides=True),
        *_both(_ways(then), _ways(now), decides=False),
        *_both(_set(then, told=True), _set(now, told=True), decides=False),
        *_both(_named("versions", then), _named("versions", now), decides=False),
        *_both(_named("machine", then), _named("machine", now), decides=False),
    ]
    return found


def _both(then: Mapping[str, str], now: Mapping[str, str], decides: bool) -> Iterator[Input]:
    for what in dict.fromkeys((*then, *now)):
        yield Input(what, then.get(what, ABSENT), now.get(what, ABSENT), decides)


def _photos(provenance: Mapping[str, Any]) -> dict[str, str]:
    return {f"photo {_text(each.get('id'))}": _text(each.get("sha256")) for each in _objects(provenance.get("photos"))}


def _encoders(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Weights by their revision, and contract: the same weights under another rule are another encoder."""
    found = {}
    for name, contract, each in _contracts(provenance):
        _, digest, after = _text(each.get("revision")).rpartition("sha256 ")  # the same weights may lie elsewhere
        found[f"weights of {name}"] = digest + after
        found |= {f"{key} of {name}": _text(value) for key, value in contract.items() if key in COMPUTED}
    return found


COMPUTED = ("architecture", "preprocessing", "pool", "frames")
ELSEWHERE = ("name", "file")
"""Where weights lie, which may be elsewhere."""


def _labels(provenance: Mapping[str, Any]) -> dict[str, str]:
    """What contracts say beside that: licence, hub, notes."""
    return {
        f"{key} of {name}": _text(value)
        for name, contract, _ in _contracts(provenance)
        for key, value in contract.items()
        if key not in COMPUTED + ELSEWHERE
    }


def _contracts(provenance: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    for each in _objects(provenance.get("encoders")):
        contract = each.get("contract")
        contract = contract if isinstance(contract, dict) else {}
        yield _text(contract.get("name") or each.get("name") or ""), contract, each


def _verified(provenance: Mapping[str, Any]) -> dict[str, str]:
    """What the report says was verified in its run."""
    return {
        f"verified of {_text(each.get('encoder'))}, {key}": _text(value)
        for each in _objects(provenance.get("verified"))
        for key, value in each.items()
        if key != "encoder"
    }


def _options(provenance: Mapping[str, Any]) -> dict[str, str]:
    return {what: value for what, value in _named("options", provenance).items() if what not in WAYS}


def _ways(provenance: Mapping[str, Any]) -> dict[str, str]:
    """How it was computed, which moves numbers by their rounding."""
    return {what: value for what, value in _named("options", provenance).items() if what in WAYS}


WAYS = ("option batch", "option precision")


def _set(provenance: Mapping[str, Any], told: bool) -> dict[str, str]:
    """A set is known by what was kept of how many images; where it lies is told alone, and so is the name of its job.

    A job is named after its batch, too, which is no other question.
    """
    said = _named("set", provenance)
    asked = {f"set, {what}" for what in ("images", "failed", "layers", "keep", "framing", "store", "pace")}
    return {what: value for what, value in said.items() if (what in asked) != told}


WORDS = {"options": "option", "versions": "version of", "machine": "machine,", "set": "set,"}


def _named(part: str, provenance: Mapping[str, Any]) -> dict[str, str]:
    said = provenance.get(part)
    return {f"{WORDS[part]} {name}": _text(value) for name, value in said.items()} if isinstance(said, dict) else {}


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return dumps(value, sort_keys=True, default=str)
    except (RecursionError, ValueError, TypeError):
        return "what cannot be read"
