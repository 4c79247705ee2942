"""experiment at the command line: what it writes, how it is stopped, and what it says of a mistake."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from command_run import called
from small_run import RECIPE

LISTENING = (  # to Ctrl-C, which a background job does not
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from repscope.cli import main; main()"
)


def begun(epochs: int, recipe: Path, images: Path, photo: Path, runs: Path) -> subprocess.Popen[str]:
    """The command, in a session of its own, with two workers at work."""
    words = [recipe, "--data", images, "--photos", photo, "--objectives", "mae,supervised", "--parts", 1]
    words += ["--seeds", 2, "--epochs", epochs, "--workers", 2, "--beside", "tiny-random", "--out", runs]
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "experiment", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while len(list(runs.glob("*-part-*/log.jsonl"))) < 2:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    return process


def test_a_person_may_stop_it_and_go_on(images, recipe_file, photo, tmp_path):
    """Ctrl-C ends all processes at once; the same command goes on and is done."""
    process = begun(100, recipe_file, images, photo, tmp_path / "runs")
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "The same command goes on" in said
    assert "Traceback" not in said
    assert not list((tmp_path / "runs").glob("*-part-*/card.md"))


def test_runs_end_with_the_process_that_started_them(images, recipe_file, photo, tmp_path):
    """Killed, it can tell them nothing; whoever still holds its output is heard by `communicate`."""
    process = begun(100_000, recipe_file, images, photo, tmp_path / "runs")
    try:
        process.kill()
        process.communicate(timeout=20)
        assert process.returncode == -signal.SIGKILL
        assert not list((tmp_path / "runs").glob("*-part-*/card.md"))  # ended, not trained to the end
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_the_command_trains_and_reports(images, recipe_file, photo, tmp_path):
    picture = photo.with_name("shown.png")
    picture.write_bytes(photo.read_bytes())
    words = [
        "--picture",
        picture,
        "--data",
        images,
        "--objectives",
        "mae,supervised",
        "--seeds",
        2,
        "--epochs",
        1,
        "--beside",
        "tiny-random",
        "--photos",
        photo,
    ]
    out = tmp_path / "report"
    said = called(recipe_file, *words, "--out", tmp_path / "runs", "-o", out, "--format", "json", command="experiment")
    assert said.code == 0, said.err
    assert "8 of 8 runs: " in said.err
    report = json.loads((out / "report.json").read_text())
    assert report["title"].startswith("8 runs: mae, supervised; 2 seeds, 2 conditions (part 1, part 2)")
    assert len(report["provenance"]["options"]["runs"]) == 8
    assert "PCA maps: shown.png" in [block.get("title") for block in report["blocks"]]
    tables = {block["title"]: block for block in report["blocks"] if "rows" in block and "title" in block}
    assert tables["Other encoders on the same photos"]["header"][1:] == [
        str(tmp_path / "runs/untrained"),
        "tiny-random",
    ]


def test_the_command_tells_a_mistake_in_one_line(images, photo, tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(RECIPE)
    for words, code, told in (
        (["--seeds", 1], 2, "two seeds or more"),
        (["--objectives", "mae,nothing"], 2, "nothing"),
        (["--picture", "nowhere.png"], 1, "nowhere.png"),
    ):
        said = called(
            path, "--data", images, "--photos", photo, *words, "--out", tmp_path / "runs", command="experiment"
        )
        assert (said.code, "Traceback" in said.err) == (code, False)
        assert told in said.err
        assert not (tmp_path / "runs").exists()
