"""`repscope drift`: checkpoints of a run as a person gives them, and what a person may get wrong."""

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from exported import PROCESSOR, matrix, write

import repscope
from repscope.encoders.vit import ViT
from repscope.encoders.vit.architecture import Architecture
from repscope.lab.checkpoint import write_encoder
from repscope.render import media

SHAPE = Architecture(width=8, depth=1, heads=1, hidden=8, patch=4, grid=(16, 16), cls=False)


def checkpoint(path: Path, step: int, shape: Architecture = SHAPE) -> Path:
    """A transformer drawn at random, moved a little by every step."""
    torch.manual_seed(0)
    vit, other = ViT(shape), ViT(shape)
    with torch.no_grad():
        for weight, towards in zip(vit.parameters(), other.parameters(), strict=True):
            weight += step / 100 * towards
    write_encoder(vit, path, {"step": step})
    return path


@pytest.fixture
def lab_run(tmp_path) -> Callable[..., Path]:
    """A folder as a run of the lab leaves it."""

    def made(*steps: int, name: str = "run") -> Path:
        folder = tmp_path / name
        for step in steps:
            checkpoint(folder / "steps" / f"step-{step}.safetensors", step)
        checkpoint(folder / "encoder.safetensors", max(steps))
        (folder / "log.jsonl").write_text("{}\n")
        (folder / "run.state").write_bytes(b"what a run needs to go on")
        return folder

    return made


@pytest.mark.parametrize("medium", ["text", "json"])
def test_what_is_printed_is_what_the_renderer_returns(run, photo, lab_run, medium):
    folder = lab_run(2, 10, 5)
    said = run("drift", folder, "--data", photo, "--format", medium)
    assert (said.code, said.err) == (0, "")
    report = repscope.drift([str(photo)], [str(folder)])
    assert said.out == media[medium](report)


def test_the_report_names_the_command_that_makes_it_again(run, photos, lab_run):
    said = run("drift", lab_run(2, 10, 5), "--data", photos[0].parent, "--frame", "square", "--format", "json")
    words = shlex.split(json.loads(said.out)["provenance"]["command"])
    assert words[:2] == ["repscope", "drift"]
    assert run(*words[1:], "--format", "json").out == said.out
    assert repscope.drift([], [repscope.load("tiny-mae"), "tiny-dino"]).provenance["command"] == ""


def test_a_run_of_the_lab_is_told_in_its_steps(run, photos, lab_run, tmp_path):
    folder = lab_run(2, 10, 5)
    said = run("drift", folder, "--data", photos[0].parent, "-o", tmp_path / "out", "--format", "json,text")
    assert said.code == 0, said.err
    assert "Drift from step-2 to step-10, 3 checkpoints on 5 photos" in said.out
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert document["provenance"]["options"]["checkpoints"] == ["step-2", "step-5", "step-10"]
    sources = [each["revision"] for each in document["provenance"]["encoders"]]
    assert all(f"step-{step}.safetensors, sha256 " in each for step, each in zip((2, 5, 10), sources, strict=True))
    assert {photo["id"] for photo in document["provenance"]["photos"]} == {f"{k}.png" for k in range(5)}


def test_the_order_of_arguments_and_a_file_named_twice_change_nothing(run, photo, lab_run):
    steps = lab_run(2, 10, 5) / "steps"
    files = [steps / f"step-{n}.safetensors" for n in (10, 2, 5)]
    one = run("drift", *files, "--data", photo)
    assert one.code == 0, one.err
    for given in (files[::-1], [*files, files[0]], [steps], [files[0], steps]):
        assert run("drift", *given, "--data", photo).out == one.out


def test_data_may_be_named_again_and_the_samples_are_taken_where_none_is(run, photos, lab_run):
    folder = lab_run(1, 2)
    said = run("drift", folder, "--data", photos[0], "--data", photos[1], "--format", "json")
    assert [photo["id"] for photo in json.loads(said.out)["provenance"]["photos"]] in (
        ["0.png", "1.png"],
        ["1.png", "0.png"],
    )
    assert "on 2 photos" in run("drift", folder).out.splitlines()[0]


def test_an_encoder_read_back_is_the_one_that_was_written(run, photo, lab_run):
    """A checkpoint beside itself under another name is alike, and is said to be the same weights."""
    folder = lab_run(3, 4)
    (folder / "steps" / "step-4.safetensors").write_bytes((folder / "steps" / "step-3.safetensors").read_bytes())
    said = run("drift", folder, "--data", photo, "--format", "json")
    blocks = json.loads(said.out)["blocks"]
    texts = [block["text"] for block in blocks if block["block"] == "note"]
    assert "step-3, step-4 are the same weights." in texts
    assert not any(block["kind"] == "finding" for block in blocks if block["block"] == "note")
    (table,) = (b for b in blocks if b.get("title") == "Patches: similarity to the one before")
    assert table["rows"][0][1]["value"] == pytest.approx(1)


def test_onnx_files_are_checkpoints(run, photo, tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    for step in (1, 12, 3):
        write(tmp_path / f"step-{step}.onnx", matrix(patch=1) + np.float32(step / 9) * matrix(patch=1, seed=1))
    said = run("drift", tmp_path, "--data", photo, "--format", "json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert [each["contract"]["name"] for each in document["provenance"]["encoders"]] == [
        str(tmp_path / f"step-{step}.onnx") for step in (1, 3, 12)
    ]


class TestWrong:
    def test_no_checkpoint(self, run):
        assert run("drift").code == 2

    def test_one_checkpoint(self, run, photo, lab_run):
        said = run("drift", lab_run(7), "--data", photo)
        assert (said.code, said.out) == (2, "")
        assert "two checkpoints or more; got only step-7" in said.err

    def test_an_empty_folder(self, run, photo, tmp_path):
        (tmp_path / "empty").mkdir()
        said = run("drift", tmp_path / "empty", "--data", photo)
        assert (said.code, said.out) == (1, "")
        assert said.err.splitlines() == [
            f"repscope: {tmp_path / 'empty'} holds no checkpoint: neither a .safetensors or .onnx file nor a folder "
            "with an encoder in it. Give the folder in which a run keeps its checkpoints."
        ]

    def test_a_folder_that_may_not_be_entered(self, run, photo, tmp_path, monkeypatch):
        def denied(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "iterdir", denied)
        said = run("drift", tmp_path, "--data", photo)
        assert (said.code, said.out) == (1, "")
        assert "cannot be looked into: [Errno 13] Permission denied" in said.err

    def test_a_snapshot_that_may_not_be_read(self, run, photo, lab_run, monkeypatch):
        folder, opened = lab_run(1, 2), Path.open

        def denied(path, *rest, **named):
            if path.name == "step-2.safetensors":
                raise PermissionError(13, "Permission denied", str(path))
            return opened(path, *rest, **named)

        monkeypatch.setattr(Path, "open", denied)
        said = run("drift", folder, "--data", photo)
        assert (said.code, said.out) == (1, "")
        assert "You may not read it: ask its owner, or change its mode" in said.err
        assert "copy it again" not in said.err

    def test_other_widths(self, run, photo, lab_run):
        folder = lab_run(1, 2)
        checkpoint(folder / "steps" / "step-3.safetensors", 3, replace(SHAPE, width=16))
        said = run("drift", folder, "--data", photo)
        assert (said.code, said.out) == (2, "")
        assert "the width differs: 8 of step-1, 16 of step-3" in said.err

    def test_other_families(self, run, photo, lab_run, tmp_path):
        write(tmp_path / "step-9.onnx", matrix(), metadata={"preprocessing": PROCESSOR})
        said = run("drift", lab_run(1), tmp_path / "step-9.onnx", "--data", photo)
        assert said.code == 2
        assert "the family differs" in said.err

    def test_a_file_that_is_no_encoder(self, run, photo, lab_run):
        folder = lab_run(1, 2)
        (folder / "steps" / "step-3.safetensors").write_text("Dear diary")
        said = run("drift", folder, "--data", photo)
        assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
        assert "step-3.safetensors" in said.err
        (folder / "steps" / "step-4.onnx").write_text("Dear diary")
        (folder / "steps" / "step-3.safetensors").unlink()
        (folder / "steps" / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
        said = run("drift", folder, "--data", photo)
        assert said.code == 1
        assert "step-4.onnx cannot be read as an ONNX graph" in said.err
        assert ".. " not in said.err

    def test_a_checkpoint_there_is_not(self, run, photo, lab_run, tmp_path):
        for name in (tmp_path / "nowhere", "nowhere.onnx", "nowhere.safetensors"):
            said = run("drift", lab_run(1, 2), name, "--data", photo)
            assert said.code == 1
            assert "There is no file or folder" in said.err

    def test_photos_there_are_not(self, run, lab_run, tmp_path):
        """Found out before any checkpoint is opened."""
        (tmp_path / "no-encoder.safetensors").write_text("Dear diary")
        said = run("drift", lab_run(1, 2), tmp_path / "no-encoder.safetensors", "--data", tmp_path / "nowhere")
        assert (said.code, said.out) == (1, "")
        assert "no such file or folder" in said.err
