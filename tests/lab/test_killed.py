"""kill -9 in the middle of a run: what goes on from it ends in the same weights, bit for bit."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from killed_run import trained

from repscope.lab import checkpoint

# AdamW alone, killed between steps after its second state; and Muon, a teacher and a centre beside it, killed with the
# third state written and not yet in its place
RUNS = {"mae": ("adamw", "between"), "dino": ("muon", "writing")}


def started(name: str, optimiser: str, folder: Path, when: str) -> subprocess.Popen[str]:
    script = Path(__file__).with_name("killed_run.py")
    path = os.pathsep.join([str(script.parent), *sys.path])
    return subprocess.Popen(
        [sys.executable, str(script), name, optimiser, str(folder), when],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def corpses(tmp_path_factory) -> dict[str, Path]:
    """Folders of runs that were killed."""
    folders = {name: tmp_path_factory.mktemp(f"{name}-killed") for name in RUNS}
    alive = {name: started(name, optimiser, folders[name], when) for name, (optimiser, when) in RUNS.items()}
    try:
        while line := alive["mae"].stdout.readline():  # type: ignore[union-attr]
            if int(line) >= 4:
                alive["mae"].kill()
                break
        for name, process in alive.items():
            _, told = process.communicate(timeout=120)
            assert process.returncode == -signal.SIGKILL, (name, told)
    finally:
        for process in alive.values():
            process.kill()
    return folders


def bits(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoint.read_state(folder / "run.state")[0]


def log(folder: Path) -> list[tuple[int, float]]:
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [(line["step"], line["loss"]) for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(f"{name}-whole") for name in RUNS}
    for name, (optimiser, _) in RUNS.items():
        trained(name, optimiser, folders[name])
    return folders


@pytest.mark.parametrize("name", RUNS)
def test_it_ends_in_the_same_weights_bit_for_bit(corpses, whole, name):
    folder, (optimiser, when) = corpses[name], RUNS[name]
    left = checkpoint.read_state(folder / "run.state")[1]["step"]
    assert left == 4 if when == "writing" else 4 <= left < 20
    if when == "writing":
        assert (folder / "run.state.part").exists()
    trained(name, optimiser, folder, resume=True)
    ended = bits(folder)
    for key, value in bits(whole[name]).items():
        assert torch.equal(value, ended[key]), key
    assert ended.keys() == bits(whole[name]).keys()
    assert any(key.startswith("objective.centre") for key in ended) == (name == "dino")
    assert any(key.startswith("optimiser.1.") and key.endswith("momentum_buffer") for key in ended) == (name == "dino")
    assert log(folder) == log(whole[name])
    assert [step for step, _ in log(folder)] == list(range(2, 21, 2))
    assert not (folder / "run.state.part").exists()
