"""preprocessing: does a photo become the pixels that the published processor makes of it? Needs no weights."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from repscope.checks import _facts, _picture
from repscope.checks._check import Check, Finding
from repscope.checks._drawn import SIZES, textured
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
        name = next((each for each, known in rules["rules"].items() if _rule(known) == rule), None)
        yield _whose(subject, claimed in available())
    if name is None:
        reason = f"no published processor has the rule of {subject.name} ({_told(rule)})"
        yield Finding(about="pixels of drawn pictures", verdict="unchecked", said=reason)
    else:
        yield from _drawn(rule, rules["rules"][name])
        yield _coco(subject, rule, rules["rules"][name])
    if place and claimed in available():
        yield from _beside(subject, rule)


def _rule(known: Mapping[str, Any]) -> Preprocessing:
    said = known["rule"]
    return Preprocessing(**said | {"mean": tuple(said["mean"]), "deviation": tuple(said["deviation"])})


def _told(rule: Preprocessing) -> str:
    scale = f"shorter side to {rule.edge}, crop {rule.size}" if rule.resize == "shortest" else f"squashed to {rule.size}"
    return f"{scale}, {rule.filter}, mean {_three(rule.mean)}, deviation {_three(rule.deviation)}"


def _three(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _stated(rule: Preprocessing, known: Mapping[str, Any]) -> Finding:
    """What the contract says, against what its publisher says."""
    wanted, about = _rule(known), "transform of the contract"
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
    family = catalogue[contract.family] if contract.family in catalogue else None
    return None if family is None else family.preprocessing(contract.architecture)


def _drawn(rule: Preprocessing, known: Mapping[str, Any]) -> Iterator[Finding]:
    for width, height in SIZES:
        photo = textured(width, height)
        yield _compared(photo, rule, known, known["pictures"][photo.id], f"pixels of a drawn picture, {photo.id}")


def _compared(
    photo: Photo, rule: Preprocessing, known: Mapping[str, Any], wanted: Mapping[str, Any], about: str
) -> Finding:
    """By digest, and where that differs (or cannot be the same) by samples.

    Resizes on grey levels are whole-number arithmetic: a digest is the same everywhere. On floats the last bits
    depend on the machine, and a difference under a hundredth of a grey level is none.
    """
    source = f"{known['processor']}; {known['source']}"
    pixels, digest = _pixels(photo, rule)
    if "sha256" in wanted and digest == wanted["sha256"]:
        said = "every bit as the published processor makes them"
        return Finding(about=about, verdict="verified", said=said, measured=0.0, tolerance=0.0, source=source)
    places = np.linspace(0, pixels.size - 1, len(wanted["samples"])).astype(int)
    off = float(np.abs(pixels.ravel()[places] - wanted["samples"]).max())
    tolerance = 0.0 if known["exact"] else FLOAT
    same = pixels.shape == (3, *[known["rule"]["size"]] * 2) and not known["exact"] and off <= tolerance
    said = f"{len(places)} of {pixels.size:,} values differ by at most {off:.2g}"
    if known["exact"]:
        said = f"SHA-256 {digest[:12]}, published processor {wanted['sha256'][:12]}; {said}"
    return Finding(
        about=about,
        verdict="verified" if same else "failed",
        said=said,
        measured=off,
        tolerance=tolerance,
        unit="normalised pixel",
        source=source,
    )


def _pixels(photo: Photo, rule: Preprocessing) -> tuple[np.ndarray, str]:
    from repscope.encoders.preprocess import prepared

    pixels = prepared([photo], rule, "official")[0][0].numpy()
    return pixels, hashlib.sha256(np.ascontiguousarray(pixels, "<f4")).hexdigest()


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
    said = f"another SHA-256 than published, as rounding may make it; off by {off:.2g} from the recorded rule"
    return Finding(about=about, verdict=verdict, said=said, measured=off, tolerance=FLOAT, source=source)


def _reference(photo: Photo, known: Mapping[str, Any]) -> np.ndarray:
    """By the recorded rule in place of the contract's: the drawn pictures vouch for how it is carried out."""
    return _pixels(photo, _rule(known))[0]


def _beside(subject: Subject, rule: Preprocessing) -> Iterator[Finding]:
    """A preprocessor_config.json in a local copy: the contract of the name holds, so it must say the same."""
    place = sought(subject.name)
    folder = place if place is not None and place.is_dir() else None
    said = configuration.processor(folder) if folder is not None else None
    if said is None:
        return
    found = configuration.preprocessing(said, replace(rule), subject.name)
    wrong = _differences(found, rule)
    yield Finding(
        about="image processor beside the weights",
        verdict="failed" if wrong else "verified",
        said=f"it says {wrong.replace('published is', 'the contract')}" if wrong else _told(found),
        source="preprocessor_config.json in the folder",
    )


preprocessing = Check(
    name="preprocessing",
    title="preprocessing",
    asks="Photos of several sizes and shapes become the pixels that the published processor makes of them.",
    run=_run,
)
