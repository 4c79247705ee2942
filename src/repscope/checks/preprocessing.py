"""preprocessing: does a photo become the pixels that the published processor makes of it? Needs no weights."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from repscope.checks import _facts, _picture
from repscope.checks._check import Check, Finding
from repscope.checks._drawn import SIZES, textured
from repscope.checks._shown import rule_of
from repscope.checks._subject import Subject
from repscope.encoders import configuration
from repscope.encoders.contract import Preprocessing
from repscope.encoders.load import available, sought
from repscope.errors import RepscopeError
from repscope.images.photo import Photo

FLOAT = 1e-4
"""How far a resize on floats may be off, in units of the normalised pixels: a grey level is .0175."""


def _run(subject: Subject) -> Iterator[Finding]:
    rules = _facts.facts("processors")
    claimed, _, place = subject.name.partition("@")
    name = rules["encoders"].get(claimed)
    rule = subject.contract.preprocessing
    if name is not None:
        yield _stated(rule, rules["rules"][name])
    else:
        name = next((each for each, known in rules["rules"].items() if rule_of(known["rule"]) == rule), None)
        yield _whose(subject, claimed in available())
    if name is None:
        reason = f"no published processor has the rule of {subject.name} ({_told(rule)})"
        yield Finding(about="pixels of drawn pictures", verdict="unchecked", said=reason)
    else:
        yield _drawn(rule, rules["rules"][name])
        yield _coco(subject, rule, rules["rules"][name])
    if place and claimed in available():
        yield from _beside(subject, rule)


def _told(rule: Preprocessing) -> str:
    cropped = rule.resize == "shortest"
    scale = f"shorter side to {rule.edge}, crop {rule.size}" if cropped else f"squashed to {rule.size}"
    return f"{scale}, {rule.filter}, mean {_three(rule.mean)}, deviation {_three(rule.deviation)}"


def _three(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _stated(rule: Preprocessing, known: Mapping[str, Any]) -> Finding:
    """What the contract says, against what its publisher says."""
    wanted, about = rule_of(known["rule"]), "transform of the contract"
    wrong = _differences(rule, wanted)
    said = f"the contract says {wrong}" if wrong else _told(rule)
    return Finding(about=about, verdict="failed" if wrong else "verified", said=said, source=known["source"])


def _differences(rule: Preprocessing, wanted: Preprocessing) -> str:
    ours, theirs = asdict(rule), asdict(wanted)
    return "; ".join(f"{key} {ours[key]}, published is {value}" for key, value in theirs.items() if ours[key] != value)


def _whose(subject: Subject, ours: bool) -> Finding:
    about = "transform of the contract"
    if ours:
        return Finding(about=about, verdict="unchecked", said="it is the lab's own: no upstream processor exists")
    usual = _usual(subject)
    reason = "a folder does not say which published encoder it holds"
    if usual is not None and (wrong := _differences(subject.contract.preprocessing, usual)):
        reason += f"; its rule is not the usual one of its family: {wrong}"
    return Finding(about=about, verdict="unchecked", said=reason)


def _usual(subject: Subject) -> Preprocessing | None:
    from repscope.encoders.families import catalogue

    contract = subject.contract
    family = catalogue.get(contract.family)
    return None if family is None else family.preprocessing(contract.architecture)


def _drawn(rule: Preprocessing, known: Mapping[str, Any]) -> Finding:
    """By digest, and where that differs (or cannot be the same) by samples.

    Resizes on grey levels are whole-number arithmetic: a digest is the same everywhere. On floats the last bits
    depend on the machine, and a difference under a hundredth of a grey level is none.
    """
    off = {}
    for width, height in SIZES:
        photo = textured(width, height)
        off[photo.id] = _off(photo, rule, known["pictures"][photo.id])
    worst = max(off, key=lambda name: off[name])
    tolerance = 0.0 if known["exact"] else FLOAT
    wrong = [name for name, value in off.items() if value > tolerance]
    sizes = f"{len(SIZES)} sizes and shapes, {', '.join(off)}"
    said = f"other than {known['processor']} makes them at {', '.join(wrong)}; furthest off at {worst}"
    right = "every bit as" if not off[worst] else "as"
    return Finding(
        about="pixels of drawn pictures",
        verdict="failed" if wrong else "verified",
        said=said if wrong else f"{right} {known['processor']} makes them, at {sizes}",
        measured=off[worst] if np.isfinite(off[worst]) else None,
        at_most=tolerance,
        unit="normalised pixel",
        source=f"{known['processor']}; {known['source']}",
    )


def _off(photo: Photo, rule: Preprocessing, wanted: Mapping[str, Any]) -> float:
    """0 for the same bits; otherwise by how much the samples differ, and at least the least that can be told."""
    pixels, digest = _pixels(photo, rule)
    if digest == wanted.get("sha256"):
        return 0.0
    places = np.linspace(0, pixels.size - 1, len(wanted["samples"])).astype(int)
    off = float(np.abs(pixels.ravel()[places] - wanted["samples"]).max())
    return max(off, float(np.finfo(np.float32).eps))


def _pixels(photo: Photo, rule: Preprocessing) -> tuple[np.ndarray, str]:
    from repscope.encoders.preprocess import prepared

    pixels = prepared([photo], rule, "official")[0][0].numpy()
    return pixels, hashlib.sha256(pixels.astype("<f4").tobytes()).hexdigest()


def _coco(subject: Subject, rule: Preprocessing, known: Mapping[str, Any]) -> Finding:
    about = "pixels of the COCO picture"
    if "coco" not in known:
        return Finding(about=about, verdict="unchecked", said="nobody published a digest of it for this rule")
    try:
        photo = _picture.picture(subject.picture)
    except RepscopeError as error:
        return Finding(about=about, verdict="unchecked", said=str(error))
    source = f"{known['processor']} of transformers 5.23.0"
    pixels, digest = _pixels(photo, rule)
    if digest == known["coco"]:
        return Finding(about=about, verdict="verified", said="every bit as published", source=source)
    if known["exact"]:
        said = f"SHA-256 {digest}, published {known['coco']}"
        return Finding(about=about, verdict="failed", said=said, source=source)
    wanted = _reference(photo, known)
    off = float(np.abs(pixels - wanted).max()) if wanted.shape == pixels.shape else np.inf
    verdict = "verified" if off <= FLOAT else "failed"
    said = "another SHA-256 than published, as rounding may make it; how far it is off the recorded rule"
    return Finding(about=about, verdict=verdict, said=said, measured=off, at_most=FLOAT, source=source)


def _reference(photo: Photo, known: Mapping[str, Any]) -> np.ndarray:
    """By the recorded rule in place of the contract's: the drawn pictures vouch for how it is carried out."""
    return _pixels(photo, rule_of(known["rule"]))[0]


def _beside(subject: Subject, rule: Preprocessing) -> Iterator[Finding]:
    """A preprocessor_config.json in a local copy: the contract of the name holds, so it must say the same."""
    place = sought(subject.name)
    if place is None or (said := configuration.processor(place if place.is_dir() else place.parent)) is None:
        return
    found = configuration.preprocessing(said, rule, subject.name)
    wrong = _differences(found, rule)
    yield Finding(
        about="image processor beside the weights",
        verdict="failed" if wrong else "verified",
        said=f"it says {wrong.replace('published is', 'the contract')}" if wrong else _told(found),
        source="preprocessor_config.json in the folder",
    )


preprocessing = Check(
    name="preprocessing",
    asks="Photos of several sizes and shapes become the pixels that the published processor makes of them.",
    run=_run,
)
