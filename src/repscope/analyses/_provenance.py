"""Provenance: enough of a run to make it again."""

import platform
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from repscope.analyses._study import Study
from repscope.analyses._verified import as_plain
from repscope.encoders import Encoder
from repscope.extract import BATCH, in_canonical_order
from repscope.store import Embedded
from repscope.threads import products

LIBRARIES = ("repscope", "torch", "numpy", "scikit-learn", "pillow", "safetensors")
EXTRAS = ("openTSNE", "umap-learn", "pyarrow", "simplejpeg")
OF_SET = "Nothing of the encoders in this run: revision and contract are what was recorded when the set was embedded."


def provenance(
    study: Study, analysis: str, subject: Sequence[str] | None, looked: int = 0, **options: Any
) -> dict[str, Any]:
    """Versions, machine, options, contracts and input hashes of a study.

    Args:
        subject: What is asked about, as it stands on the command line; None where it has no names there.
        looked: Photos whose tokens were measured, for what was verified; 0 where that is not said.
    """
    return {
        "analysis": analysis,
        "command": _command(study, analysis, subject, options),
        "options": {
            "framing": study.framing,
            "layers": list(study.layers),
            "batch": study.batch,
            "pace": study.pace,
            "strict": study.strict,
            "precision": ", ".join(sorted({getattr(encoder, "precision", "float32") for encoder in study.encoders})),
            "seed": 0,
            **options,
        },
        "encoders": [described(encoder) for encoder in study.encoders],
        "photos": [
            {
                "id": photo.id,
                "source": photo.source,
                "sha256": photo.sha256,
                "size": list(photo.size),
                "notes": list(photo.notes),
            }
            for photo in in_canonical_order(study.photos)
        ],
        **({"verified": as_plain(study.encoders, looked)} if looked else {}),
        **surroundings(),
    }


def of_set(images: Embedded, analysis: str, encoders: Sequence[str], **options: Any) -> dict[str, Any]:
    """The same of a question about a set that was encoded before; whoever parsed a command line adds the command."""
    said = [{"name": name, **images.described(name)} for name in encoders]
    return {
        "analysis": analysis,
        "command": "",
        "options": options,
        "set": images.origin,
        "encoders": said,
        "verified": OF_SET,
        **surroundings(),
    }


def surroundings() -> dict[str, Any]:
    """Versions and machine."""

    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {"system": f"{sys.platform} {platform.machine()}", "threads": products()},
    }


def _versions() -> dict[str, str]:
    found = {name: version(name) for name in LIBRARIES}
    for name in EXTRAS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _command(study: Study, analysis: str, subject: Sequence[str] | None, options: dict[str, Any]) -> str:
    """The line that asks the same again; empty where what was asked about has no names there."""
    if study.given is None or subject is None:
        return ""
    words = ["repscope", analysis, *subject]
    if study.framing != ("square" if analysis == "compare" else "official"):
        words += ["--frame", study.framing]
    if study.layers[0] != -1:
        words += ["--layer", str(study.layers[0])]
    words += ["--layers"] * (len(study.layers) > 1) + ["--strict"] * study.strict
    for across, down in options.get("queries", ()):
        words += ["--query", f"{across},{down}"]
    for name in options.get("also", ()):
        words += ["--also", name]
    words += ["--precision", told] if (told := _unlike_auto(study)) else []
    words += ["--stability"] * bool(options.get("stability"))
    words += ["--batch", str(study.batch)] if study.batch != BATCH else []
    words += ["--fast"] * (study.pace == "fast")
    return shlex.join(words)


def _unlike_auto(study: Study) -> str:
    """The precision that must be named to get the same on this machine; empty where `auto` comes to it."""
    from repscope.encoders.precision import auto

    for encoder in study.encoders:
        precision = getattr(encoder, "precision", "float32")
        if (
            encoder.contract.family not in ("hf", "onnx")
            and precision != auto(width=encoder.contract.architecture.width).precision
        ):
            return precision
    return ""


def under(study: Study) -> list[str]:
    """Photos under encoders, as a command line names them."""
    models = ",".join([*study.names, *(name for name, _ in study.failed)])
    return [*(study.given or ()), "-m", models]


def described(encoder: Encoder) -> dict[str, Any]:
    """The contract as plain values, and where the weights came from."""
    return {"revision": encoder.revision, "contract": asdict(encoder.contract)}
