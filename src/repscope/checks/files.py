"""files: are these the files that were published, whole, and is there nothing else?"""

from collections.abc import Iterator
from pathlib import Path

from repscope.checks import _facts
from repscope.checks._check import Check, Finding
from repscope.checks._origin import Origin, origin
from repscope.checks._subject import Subject
from repscope.checks._whole import whole
from repscope.encoders import weights
from repscope.encoders.load import available
from repscope.errors import RepscopeError

CODE = (".py", ".pkl", ".pickle", ".ckpt", ".so", ".dll", ".sh")
"""What may run when it is opened by others; here nothing of a folder ever runs."""


def _run(subject: Subject) -> Iterator[Finding]:
    at = origin(subject)
    damaged = False
    for path in at.files:
        finding = _complete(path)
        damaged = damaged or finding.verdict == "failed"
        yield finding
    yield from _sizes(at)
    yield _digest(at)
    yield from _contract(at)
    if at.kind == "hub":
        yield _revision(at)
    if at.place.is_dir() and not damaged:
        yield from _beside(at)


def _complete(path: Path) -> Finding:
    about = f"{path.name} is whole"
    try:
        return Finding(about=about, verdict="verified", said=whole(path), source="the file's own header")
    except RepscopeError as error:
        return Finding(about=about, verdict="failed", said=str(error), source="the file's own header")
    except OSError as error:
        return Finding(about=about, verdict="failed", said=f"it cannot be read: {error}")


def _digest(at: Origin) -> Finding:
    about, found, source = "SHA-256 of the weights", at.digest, _source(at)
    if at.pin and found == at.pin:
        told = "as published" if at.kind != "package" else "as noted in the package"
        return Finding(about=about, verdict="verified", said=f"{found}, {told}", source=source)
    if at.pin and at.kind != "copy":
        return Finding(about=about, verdict="failed", said=f"it is {found}, wanted {at.pin}", source=source)
    if at.pin:
        reason = f"these are not the published weights of {at.claimed}: SHA-256 {found}, published {at.pin}"
        return Finding(about=about, verdict="unchecked", said=reason, source=source)
    for export in _facts.facts("pins")["exports"]:
        if found == export["sha256"]:
            return _export(at, export, about)
    whose = at.claimed or "a folder that does not say whose weights it holds"
    reason = f"no SHA-256 is known of {whose}; this one is {found}"
    return Finding(about=about, verdict="unchecked", said=reason)


def _export(at: Origin, export: dict[str, str], about: str) -> Finding:
    wanted, source = export.get("beside"), export["source"]
    held = [weights.sha256(path) for path in at.files[1:]]
    if wanted and held != [wanted]:
        said = f"{at.files[0].name} is {export['what']}, but the weights beside it are {', '.join(held) or 'missing'}"
        return Finding(about=about, verdict="failed", said=f"{said}, wanted {wanted}", source=source)
    return Finding(about=about, verdict="verified", said=f"that of {export['what']}", source=source)


def _sizes(at: Origin) -> Iterator[Finding]:
    for name, said in at.pins.items():
        if "bytes" not in said:
            continue
        found = sum(path.stat().st_size for path in at.files)
        same = found == said["bytes"]
        verdict = "verified" if same else "unchecked" if at.kind == "copy" else "failed"
        come = f"{found:,} bytes" if same else f"the file has {found:,} bytes, the published {name} {said['bytes']:,}"
        yield Finding(
            about="size of the weights",
            verdict=verdict,
            said=come,
            source=_source(at),
        )


def _contract(at: Origin) -> Iterator[Finding]:
    """The catalogue's own pins, against those that were noted apart from it."""
    pins = _facts.facts("pins")["encoders"].get(at.claimed)
    if pins is None:
        return
    contract = available()[at.claimed]
    wanted = {"hub": pins["hub"], "revision": pins["revision"]}
    if at.pin:
        wanted["sha256"] = at.pin
    held = {key: getattr(contract, key) for key in wanted}
    wrong = [f"{key} is {held[key]!r}, noted {value!r}" for key, value in wanted.items() if held[key] != value]
    yield Finding(
        about="what the contract pins",
        verdict="failed" if wrong else "verified",
        said="; ".join(wrong) or ", ".join(wanted),
        source=pins["source"],
    )


def _revision(at: Origin) -> Finding:
    found, wanted = at.folder.name, _facts.facts("pins")["encoders"].get(at.claimed, {}).get("revision", "")
    if not wanted:
        return Finding(about="revision", verdict="unchecked", said=f"none is pinned; this is {found}")
    verdict = "verified" if found == wanted else "failed"
    said = found if found == wanted else f"it is {found}, wanted {wanted}"
    return Finding(about="revision", verdict=verdict, said=said, source=_source(at))


def _beside(at: Origin) -> Iterator[Finding]:
    """What lies in the folder and is not looked at."""
    read = {path.name for path in at.files}
    names = sorted(path.name for path in at.place.iterdir() if path.name not in read)
    kinds = {
        "other files that could be weights": (".safetensors", ".onnx", *weights.PICKLED),
        "files that may hold code": CODE,
    }
    found = {what: [name for name in names if Path(name).suffix.lower() in ends] for what, ends in kinds.items()}
    for what, held in found.items():
        if held:
            more = f" and {len(held) - 6} more" if len(held) > 6 else ""
            said = f"{', '.join(held[:6])}{more} {'is' if len(held) == 1 else 'are'} never read or run"
            yield Finding(about=what, verdict="unchecked", said=said)
    if not any(found.values()):
        yield Finding(about="unexpected files", verdict="verified", said="no other weights, no code")


def _source(at: Origin) -> str:
    if at.claimed and f"{at.claimed}.safetensors" in _facts.facts("embedded"):
        return "digests that come with the package"
    return _facts.facts("pins")["encoders"].get(at.claimed, {}).get("source", "")


files = Check(
    name="files",
    asks="The files are whole and have the published size, SHA-256 and revision; nothing unexpected lies beside them.",
    run=_run,
)
