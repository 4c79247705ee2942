"""`--fast`: said in the report, repeated by its command, and within two grey levels of the exact way."""

import json

import numpy as np
import pytest
from PIL import Image

from repscope.images import pace


@pytest.fixture
def jpeg(tmp_path):
    rows, columns = np.mgrid[0:120, 0:160]
    draws = np.random.default_rng(0).normal(0, 20, (120, 160, 3))
    pixels = np.stack([rows, columns, rows + columns], -1) * 0.8 + draws
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "photo.jpg", quality=92)
    return tmp_path / "photo.jpg"


def report(run, jpeg, folder, *options):
    said = run("inspect", jpeg, "-m", "tiny-mae", "-o", folder, "--format", "json", *options)
    assert said.code == 0, said.err
    return json.loads((folder / "report.json").read_text())["provenance"]


def test_a_report_says_its_pace_and_its_command_repeats_it(run, jpeg, tmp_path):
    exact, fast = report(run, jpeg, tmp_path / "exact"), report(run, jpeg, tmp_path / "fast", "--fast")
    assert "--fast" in fast["command"]
    assert "--fast" not in exact["command"]
    assert exact["photos"][0]["sha256"] == fast["photos"][0]["sha256"]


def test_without_the_library_it_says_what_to_install(run, jpeg, monkeypatch):
    monkeypatch.setattr(pace, "find_spec", lambda name: None)
    said = run("inspect", jpeg, "-m", "tiny-mae", "--fast")
    assert said.code == 1
    assert "pip install 'repscope[fast]'" in said.err
    assert "Traceback" not in said.err
