"""Encoders of published shape with random weights, and checks asked of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from repscope.checks import Finding, Subject, catalogue

SMALL = {"hidden_size": 384, "num_attention_heads": 6}


def asked(check: str, name: str, picture: Path | None = None) -> list[Finding]:
    return list(catalogue[check].run(Subject(name, picture)))


def verdicts(findings: list[Finding]) -> dict[str, str]:
    return {each.about: each.verdict for each in findings}


def failed(findings: list[Finding]) -> list[str]:
    return [each.about for each in findings if each.verdict == "failed"]


def only(findings: list[Finding], about: str) -> Finding:
    (found,) = [each for each in findings if about in each.about]
    return found


def dinov2_small() -> Any:
    """DINOv2 S/14 of transformers with random weights, every one of them in use."""
    import transformers

    torch.manual_seed(0)
    config = transformers.Dinov2Config(**SMALL, num_hidden_layers=12, image_size=518, patch_size=14)
    model = transformers.Dinov2Model(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def saved(model: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


def changed(folder: Path, tensors: Mapping[str, torch.Tensor | None]) -> None:
    """Tensors of a folder replaced, added, or left out where None is given."""
    file = folder / "model.safetensors"
    held = load_file(file)
    held = {name: value for name, value in (held | dict(tensors)).items() if value is not None}
    file.unlink()
    save_file({name: value.clone().contiguous() for name, value in held.items()}, file)


def with_facts(monkeypatch: Any, **new: Any) -> None:
    """Facts replaced for a test."""
    from repscope.checks import _facts

    plain = _facts.facts
    monkeypatch.setattr(_facts, "facts", lambda name: new[name] if name in new else plain(name))


def facts(name: str) -> Any:
    """A copy that may be changed."""
    from repscope.checks import _facts

    return json.loads((_facts.DATA / f"{name}.json").read_text())


def lying(monkeypatch: Any, contract: Any) -> None:
    """A contract in place of the catalogue's."""
    from importlib import import_module

    from repscope.encoders import available

    known = {**available(), contract.name: contract}
    for place in ("encoders.load", "checks._origin", "checks.files", "checks.layout", "checks.preprocessing"):
        monkeypatch.setattr(import_module(f"repscope.{place}"), "available", lambda: known)
