"""published: does the encoder say what others published that it says? For real weights."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from repscope.checks import _facts
from repscope.checks._check import Check, Finding
from repscope.checks._origin import Origin, origin
from repscope.checks._shown import pixels, sequence
from repscope.checks._signals import off
from repscope.checks._subject import Subject
from repscope.encoders.vit.architecture import Resample
from repscope.errors import Unreachable, Unsupported

if TYPE_CHECKING:
    from torch import Tensor

    from repscope.encoders.encoder import Staged

TIERS = {"noise": "seeded noise", "drawn": "a drawn picture", "picture": "the COCO picture"}
"""In the order they are tried: what needs neither picture nor network first."""
RULES: dict[Resample, str] = {
    "bicubic": "positions resampled to the size asked (transformers since 4.46)",
    "bicubic-offset": "positions resampled by a factor with .1 added (the authors' code, transformers to 4.45)",
}
NEAR = 10
"""Times the tolerance: by how much an output may be missed whose own input cannot be made again exactly."""
CONFLICT = (
    "its publishers contradict each other: the weights were trained with ImageNet's mean and deviation, the hub's "
    "processor says .5 and .5, which is what is used here; outputs of the COCO picture were published with .5, those "
    "of drawn pictures with ImageNet's, and each is compared with its own"
)


@dataclass(frozen=True)
class Tried:
    """A published output beside ours: `finding` is what would be said of the published weights."""

    golden: Mapping[str, Any]
    finding: Finding

    @property
    def met(self) -> bool:
        return self.finding.verdict == "verified"

    @property
    def missed(self) -> bool:
        return self.finding.at_most is not None and not self.met


def _run(subject: Subject) -> Iterator[Finding]:
    at = origin(subject)
    claimed = at.claimed or _exported(at)
    if claimed.startswith("ijepa"):
        yield Finding(about="mean and deviation of I-JEPA", verdict="unchecked", said=CONFLICT, source=_SOURCES)
    goldens = [each for each in _facts.facts("published")["goldens"] if each["encoder"] == claimed]
    if not goldens:
        yield Finding(about="published outputs", verdict="unchecked", said=_none(claimed))
        return
    goldens.sort(key=lambda each: (each.get("frames", 0), list(TIERS).index(each["tier"])))
    tried = list(_tried(subject, goldens, at.published or not at.claimed))
    strange = not at.published and at.claimed != "" and not any(each.met for each in tried)
    for each in tried:
        yield _strange(each.finding) if strange and each.finding.verdict == "failed" else each.finding


_SOURCES = "ijepa/src/transforms.py of the authors; preprocessor_config.json of facebook/ijepa_*"


def _none(claimed: str) -> str:
    if not claimed:
        return "a folder does not say which published encoder it holds; validate it as NAME@DIR"
    if claimed.startswith("tiny"):
        return f"{claimed} is this project's own: nobody else published what it says"
    if claimed.startswith("mae"):
        return "what is published of MAE is its decoder's output under a mask, not what the encoder says"
    return f"no output of {claimed} was found in print"


def _exported(at: Origin) -> str:
    """The encoder that a known ONNX export is of."""
    if not any(path.suffix == ".onnx" for path in at.files):
        return ""
    return next((each["encoder"] for each in _facts.facts("pins")["exports"] if each["sha256"] == at.digest), "")


def _strange(finding: Finding) -> Finding:
    reason = f"these are not the published weights, and none of the published outputs is met; {finding.said}"
    return replace(finding, verdict="unchecked", said=reason)


def _tried(subject: Subject, goldens: Sequence[Mapping[str, Any]], known: bool) -> Iterator[Tried]:
    """Each output in turn; of weights that nobody vouches for and that met none, one of a kind, and one film.

    Noise and drawn pictures ask the network alone, the COCO picture the transform too: what misses one of a kind
    misses all of it, and takes minutes where an encoder is large.
    """
    encoders = Variants(subject)
    missed: set[str] = set()
    met = known
    for golden in goldens:
        if not met and (golden["tier"] in missed or (golden.get("frames") and missed)):
            reason = "these are not the published weights: another output of the kind was missed, and none was met"
            yield Tried(golden, Finding(about=_about(golden), verdict="unchecked", said=reason))
            continue
        tried = Tried(golden, _asked(encoders, golden, subject))
        missed |= {golden["tier"]} if tried.missed else set()
        met = met or tried.met
        yield tried


def _about(golden: Mapping[str, Any]) -> str:
    which = golden["id"] if golden["tier"] != "noise" else f"seed {golden['input']['seed']}"
    return f"output for {TIERS[golden['tier']]}, {which}"


def _asked(encoders: "Variants", golden: Mapping[str, Any], subject: Subject) -> Finding:
    try:
        return _compared(encoders, golden, pixels(golden, subject))
    except (Unreachable, Unsupported) as error:  # a damaged file is no reason, but a finding
        said = str(error).rstrip(".")
        return Finding(about=_about(golden), verdict="unchecked", said=said, source=golden["source"])


def _compared(encoders: "Variants", golden: Mapping[str, Any], shown: "Tensor") -> Finding:
    """Under each rule that positions may be resampled by; the one that comes nearest speaks."""
    results = {rule: _result(encoder, golden, shown) for rule, encoder in encoders.for_pixels(shown)}
    value, tolerance, name = min(results.values(), key=lambda each: each[0] / each[1])
    met = value <= tolerance
    said = [f"furthest off: {name}, by {value:.2g}"]
    if len(results) > 1:
        said.append(_variants(golden, results))
    said += [golden["note"]] if "note" in golden else []
    verdict = "verified" if met else "failed"
    if tolerance < value <= NEAR * tolerance and "inexact" in golden:
        verdict = "unchecked"
        said = [f"it was missed by little ({said[0]}), which proves nothing: {golden['inexact']}"]
    return Finding(
        about=_about(golden),
        verdict=verdict,
        said="; ".join(said),
        measured=value if np.isfinite(value) else None,
        at_most=tolerance,
        unit="token value",
        source=golden["source"],
    )


def _result(encoder: "Staged", golden: Mapping[str, Any], shown: "Tensor") -> tuple[float, float, str]:
    a = encoder.contract.architecture
    layer = a.depth if golden.get("layer") == "depth" else -1
    x = sequence(encoder, shown, layer)
    if golden["tier"] == "drawn" and shown.ndim == 5:  # published as the mean over time
        x = x.reshape(shown.shape[2] // a.tubelet, -1, a.width).mean(0)
    return off(x, a.prefix, a.cls, golden)


def _variants(golden: Mapping[str, Any], results: Mapping[Any, tuple[float, float, str]]) -> str:
    """Which of the two known position embeddings of DINOv2 the published output is of."""
    told = [
        f"{'met' if value <= tolerance else 'missed'} (by {value:.2g}) with {RULES[rule]}"
        for rule, (value, tolerance, _) in results.items()
    ]
    said = golden.get("resample")
    return "; ".join(told) + (f"; its source has the {'first' if said == 'bicubic' else 'second'}" if said else "")


class Variants:
    """The encoder, and where its positions are carried to another grid in two ways, the same weights the other way."""

    def __init__(self, subject: Subject):
        self.subject = subject

    def for_pixels(self, shown: "Tensor") -> "Iterator[tuple[Resample, Staged]]":
        usual = self.subject.encoder
        contract = usual.contract
        a = contract.architecture
        yield a.resample, usual
        side = shown.shape[-1] // a.patch
        if contract.family == "dinov2" and a.resample in RULES and (side, side) != a.grid:
            for rule in RULES:
                if rule != a.resample:
                    yield rule, _resampling(usual, rule)


def _resampling(usual: "Staged", rule: Resample) -> "Staged":
    """The same weights, not loaded again, under another rule for positions."""
    from repscope.encoders.transformer import Transformer

    assert isinstance(usual, Transformer)
    form = replace(usual.contract.architecture, resample=rule)
    return usual.under(replace(usual.contract, architecture=form))


published = Check(
    name="published",
    asks="Real weights say of seeded noise, drawn pictures and the COCO picture what was published that they say.",
    run=_run,
)
