"""The engine of Ray, started for real: the same bytes as the local one; a worker that dies costs little."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from colours import contents, folder
from served import KEYS, address, downloaded, served, uploaded

ENVIRONMENT = {**os.environ, **KEYS, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "RAY_ADDRESS": ""}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "repscope", "embed", *map(str, words), "-m", "tiny-random", "--no-cache"]


def done(*words: object) -> str:
    ended = subprocess.run(command(*words), capture_output=True, text=True, env=ENVIRONMENT, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def test_two_workers_write_what_one_process_writes(tmp_path: Path):
    """From a store into a store, with an image that cannot be read."""
    source = folder(tmp_path / "set", 23)
    (source / "b" / "4.png").write_bytes(b"no image")
    with served() as store:
        uploaded(store, source, "set")
        done(address(store, "set"), "-o", tmp_path / "here", "--shard-size", 4)
        pool = ("--engine", "ray", "--workers", 2)
        told = done(address(store, "set"), "-o", address(store, "out"), "--shard-size", 4, *pool)
        assert "22 of 23" in told
        assert "4.png" in told
        assert downloaded(store, "out") == contents(tmp_path / "here")


def test_a_worker_that_dies_costs_only_what_it_was_at(tmp_path: Path):
    source, out = folder(tmp_path / "set", 90), tmp_path / "out"
    done(source, "-o", tmp_path / "whole", "--shard-size", 3)
    words = command(source, "-o", out, "--shard-size", 3, "--engine", "ray", "--workers", 2)
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as run:
        end = time.monotonic() + 120
        while len(list(out.glob("ledger/*"))) < 2 and run.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.01)
        killed = workers()[:1]
        for process in killed:
            os.kill(process, signal.SIGKILL)
        _, told = run.communicate(timeout=180)
    assert killed
    assert run.returncode == 0, told[-3000:]
    assert contents(out) == contents(tmp_path / "whole")


def workers() -> list[int]:
    """The processes of actors that encode, as Ray names them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if "MapWorker" in path.read_text() and "ray::" in path.read_text():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_pool_that_does_not_fit_is_told_and_does_not_wait(tmp_path: Path):
    words = command(folder(tmp_path / "set", 3), "-o", tmp_path / "out", "--engine", "ray", "--gpus-per-worker", 1)
    ended = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False)
    assert ended.returncode == 2
    assert "want 1 GPUs" in ended.stderr
    assert "there are 0" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_ray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from colours import Colours

    from repscope.errors import Unsupported
    from repscope.extract.sets.embed import embed

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(Unsupported, match=r"pip install 'repscope\[cluster\]'"):
        embed(folder(tmp_path / "set", 3), [Colours()], tmp_path / "out", engine="ray")
