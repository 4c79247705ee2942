"""files: what lies there is whole and what was published, or it is said."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from trial import asked, facts, failed, lying, only, verdicts, with_facts

from repscope.checks import Subject, _origin
from repscope.checks._whole import whole
from repscope.encoders import available
from repscope.encoders.families.lab import EMBEDDED
from repscope.errors import UnfitCheckpoint, Unreachable

TINY = EMBEDDED / "tiny-mae.safetensors"


def test_the_digests_of_what_comes_with_the_package_are_current():
    held = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in EMBEDDED.glob("*.safetensors")}
    assert facts("embedded") == held, "put the new digests into src/repscope/checks/data/embedded.json"


@pytest.mark.parametrize("name", [each.name for each in available().values() if each.family == "lab"])
def test_what_comes_with_the_package_is_verified(name):
    assert set(verdicts(asked("files", name)).values()) == {"verified"}


def test_what_contracts_pin_is_what_was_noted_apart_from_them():
    for name, pins in facts("pins")["encoders"].items():
        contract = available()[name]
        digests = {said["sha256"] for said in pins["files"].values()}
        assert (contract.hub, contract.revision) == (pins["hub"], pins["revision"]), name
        assert digests == ({contract.sha256} if contract.sha256 else set()), name


def test_a_changed_file_of_the_package_fails(tmp_path, monkeypatch):
    data = bytearray(TINY.read_bytes())
    data[-1] ^= 1
    (tmp_path / TINY.name).write_bytes(data)
    monkeypatch.setattr(_origin, "EMBEDDED", tmp_path)
    assert failed(asked("files", "tiny-mae")) == ["SHA-256 of the weights"]


def test_a_changed_local_copy_is_not_the_published_weights_and_does_not_fail(tmp_path):
    data = bytearray(TINY.read_bytes())
    data[-1] ^= 1
    (tmp_path / TINY.name).write_bytes(data)
    found = asked("files", f"tiny-mae@{tmp_path}")
    assert not failed(found)
    assert "not the published weights of tiny-mae" in only(found, "SHA-256").said


def test_the_same_bytes_elsewhere_are_the_published_weights(tmp_path):
    shutil.copy(TINY, tmp_path / "renamed.safetensors")
    assert only(asked("files", f"tiny-mae@{tmp_path}"), "SHA-256").verdict == "verified"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, TINY.stat().st_size - 1))
@example(0)
@example(7)
@example(8)
@example(9)
@example(TINY.stat().st_size - 1)
def test_a_file_cut_at_any_byte_fails(tmp_path, length):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(TINY.read_bytes()[:length])
    with pytest.raises(UnfitCheckpoint, match=r"cut short|safetensors"):
        whole(cut)


def test_a_cut_file_is_a_finding(tmp_path):
    (tmp_path / TINY.name).write_bytes(TINY.read_bytes()[:-100])
    found = only(asked("files", f"tiny-mae@{tmp_path}"), "whole")
    assert found.verdict == "failed"
    assert f"{TINY.stat().st_size:,}" in found.said


def test_a_file_that_goes_on_after_its_end_or_has_gaps_fails(tmp_path):
    longer = tmp_path / "longer.safetensors"
    longer.write_bytes(TINY.read_bytes() + b"\0")
    with pytest.raises(UnfitCheckpoint, match="goes on after its end"):
        whole(longer)
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}).encode()
    longer.write_bytes(len(header).to_bytes(8, "little") + header + bytes(12))
    with pytest.raises(UnfitCheckpoint, match="gaps"):
        whole(longer)
    header = json.dumps({"a": {"dtype": "F32", "shape": "x", "data_offsets": [0, 8]}}).encode()
    longer.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(UnfitCheckpoint, match="describes no tensors"):
        whole(longer)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickled_file_cut_anywhere_fails(tmp_path, zipped):
    file = tmp_path / "whole.pt"
    torch.save({"a": torch.arange(1000.0)}, file, _use_new_zipfile_serialization=zipped)
    assert "bytes" in whole(file)
    data = file.read_bytes()
    for length in (0, 1, 50, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:length])
        with pytest.raises(UnfitCheckpoint):
            whole(file)


def test_a_git_lfs_pointer_is_told_as_such(copy):
    (copy / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    found = only(asked("files", f"dinov2-vit-s14@{copy}"), "whole")
    assert found.verdict == "failed"
    assert "git lfs pull" in found.said


def test_what_lies_beside_the_weights_is_told(copy):
    assert only(asked("files", f"dinov2-vit-s14@{copy}"), "unexpected").verdict == "verified"
    for name in ("pytorch_model.bin", "old.safetensors", "modeling.py"):
        (copy / name).write_bytes(b"")
    found = asked("files", f"dinov2-vit-s14@{copy}")
    assert not failed(found)
    assert "old.safetensors, pytorch_model.bin" in only(found, "could be weights").said
    assert "modeling.py is never" in only(found, "code").said


def test_several_files_that_could_be_meant_are_no_encoder(tmp_path):
    for name in ("a.safetensors", "b.safetensors"):
        shutil.copy(TINY, tmp_path / name)
    with pytest.raises(UnfitCheckpoint, match="several files"):
        asked("files", f"tiny-mae@{tmp_path}")


def _in_the_cache(monkeypatch, tmp_path: Path, name: str, folder: Path, revision: str) -> None:
    """As the hub's client leaves it."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "hub" / f"models--{available()[name].hub.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / revision)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(revision)


def test_a_wrong_digest_from_the_hub_fails(monkeypatch, tmp_path, random_weights):
    revision = available()["dinov2-vit-s14"].revision
    _in_the_cache(monkeypatch, tmp_path, "dinov2-vit-s14", random_weights, revision)
    with pytest.raises(UnfitCheckpoint, match="is not the published dinov2-vit-s14"):
        asked("files", "dinov2-vit-s14")


def test_weights_from_the_hub_are_held_against_size_and_revision(monkeypatch, tmp_path, random_weights):
    """A digest of random weights in place of the published one; then all that is left can be wrong by itself."""
    name, contract = "dinov2-vit-s14", available()["dinov2-vit-s14"]
    file = random_weights / "model.safetensors"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    _in_the_cache(monkeypatch, tmp_path, name, random_weights, contract.revision)
    lying(monkeypatch, replace(contract, sha256=digest))
    pins = facts("pins")
    pins["encoders"][name]["files"] = {file.name: {"sha256": digest, "bytes": file.stat().st_size}}
    with_facts(monkeypatch, pins=pins)
    found = verdicts(asked("files", name))
    assert set(found.values()) == {"verified"}
    assert {"revision", "size of the weights", "SHA-256 of the weights", "what the contract pins"} <= set(found)
    pins["encoders"][name]["files"][file.name]["bytes"] += 1
    assert failed(asked("files", name)) == ["size of the weights"]
    pins["encoders"][name]["revision"] = "another"
    assert {"revision", "what the contract pins"} <= set(failed(asked("files", name)))
    pins["encoders"][name]["files"][file.name]["sha256"] = "0" * 64
    assert "SHA-256 of the weights" in failed(asked("files", name))


def test_weights_that_cannot_be_had_are_unreachable(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unreachable):
        asked("files", "dinov2-vit-s14")
    assert Subject("dinov2-vit-s14").contract.name == "dinov2-vit-s14"
