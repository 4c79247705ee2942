"""kill -9 at any moment: the same command again ends in the same bytes. Ctrl-C ends after the shard it is at."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from colours import Colours, contents, folder
from killed_embed import Slow, run

from repscope.extract.sets.embed import embed


def test_twenty_kills_end_in_the_same_bytes(tmp_path: Path):
    source = folder(tmp_path / "set", 300)
    run(source, tmp_path / "whole")
    script = Path(__file__).with_name("killed_embed.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(script), str(source), str(tmp_path / "killed"), "20", "1"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split("\n")
    done = [int(line.split()[0]) for line in said if line]
    assert len(done) == 20
    assert len(set(done)) > 5  # it was killed in the middle, again and again
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.parametrize("moment", range(0, 21, 2))
def test_a_kill_at_every_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int):
    """Before the k-th file is renamed, and so with everything before it done and nothing after it."""

    class Killed(BaseException):
        pass

    source, left, replaced = folder(tmp_path / "set", 10), [moment], Path.replace

    def replace(self: Path, target: Path) -> Path:
        if not left[0]:
            raise Killed
        left[0] -= 1
        return replaced(self, target)

    embed(source, [Colours()], tmp_path / "whole", shard=2)
    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # a dead process tidies nothing
    try:
        embed(source, [Colours()], tmp_path / "killed", shard=2)
        assert moment > 17
    except Killed:
        pass
    monkeypatch.undo()
    embed(source, [Colours()], tmp_path / "killed", shard=2, cache=False)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    for path in (tmp_path / "killed").rglob("*.part"):
        os.utime(path, (1, 1))  # nobody's any more: those of an hour may be another run's
    embed(source, [Colours()], tmp_path / "killed", shard=2, cache=False)
    assert not list((tmp_path / "killed").rglob("*.part"))


def test_a_kill_while_clearing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = folder(tmp_path / "set", 10)
    embed(source, [Colours()], tmp_path / "whole", shard=2)

    def dies(self: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rmdir", dies)
        with pytest.raises(KeyboardInterrupt):
            embed(source, [Colours()], tmp_path / "killed", shard=2)
    assert (tmp_path / "killed" / "states").is_dir()
    embed(source, [Colours()], tmp_path / "killed", shard=2, cache=False)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_ctrl_c_ends_after_the_shard_it_is_at(tmp_path: Path):
    source = folder(tmp_path / "set", 100)
    clock = threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT))
    clock.start()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        embed(source, [Slow()], tmp_path / "out", shard=10, batch=2, threads=1)
    clock.join()
    assert signal.getsignal(signal.SIGINT) is before
    done = len(list((tmp_path / "out" / "ledger").iterdir()))
    assert 0 < done < 10
    assert len(list((tmp_path / "out" / "shards").iterdir())) == done
    assert len(embed(source, [Slow()], tmp_path / "out", shard=10, batch=2, threads=1) or ()) == 100


def test_threads_end_with_the_run(tmp_path: Path):
    before = threading.active_count()

    def broken(*given: object) -> None:
        raise RuntimeError("broken")

    encoder = Colours()
    encoder.tokens = broken
    with pytest.raises(RuntimeError, match="broken"):
        embed(folder(tmp_path / "set", 50), [encoder], tmp_path / "out", threads=3)
    time.sleep(0.05)
    assert threading.active_count() == before
