"""What is seen of a run: plain lines, a live line, the monitor, help, and one voice of several processes."""

import io
import json
import os
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import numpy as np
import pytest
import torch
from command_run import card, done, weights
from small_run import RECIPE, drawn

from repscope import cli
from repscope.lab import pretrain

COMMAND = "import sys; sys.argv = ['repscope', *sys.argv[1:]]; from repscope.cli import main; main()"


class TestMonitor:
    @pytest.fixture
    def watched(self, monkeypatch) -> list:
        """What the monitor is given; its readings are made up, and it calls a collapse at step 6."""
        from repscope.lab import watch

        given = []

        def watcher(plan, held, folder, *, every):
            given.append((held, every))

            def look(encoder, step):
                told = {
                    "effective_rank": 12.3456,
                    "knn_accuracy": 0.4375,
                    "collapse": "all is one" if step >= 6 else None,
                }
                return told if step % 2 == 0 else None

            return look

        monkeypatch.setattr(watch, "watcher", watcher)
        return given

    @pytest.mark.usefixtures("watched")
    def test_readings_and_a_collapse_are_shown_and_logged(self, images, recipe_file, tmp_path):
        said = done(recipe_file, "--data", images, "--out", tmp_path)
        lines = said.err.splitlines()
        (line,) = (line for line in lines if line.startswith("step 4 of 8: "))
        assert "effective rank 12.3, k-NN 43.8%" in line
        assert "images/s" in line
        assert "left" in line
        assert "effective" not in next(line for line in lines if line.startswith("step 3 of 8: "))
        assert [line for line in lines if "WARNING" in line] == [
            "WARNING at step 6: all is one",
            "WARNING at step 8: all is one",
        ]
        log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
        assert [line["step"] for line in log if line.get("collapse")] == [6, 8]
        assert card(tmp_path)["collapse"] == "all is one"
        assert "| WARNING | all is one |" in (tmp_path / "card.md").read_text()

    def test_it_looks_at_validation_images_or_else_at_some_of_training(
        self, watched, images, recipe_file, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(pretrain, "WATCHED", 8)
        monkeypatch.setattr(pretrain, "HELD", 4)
        done(recipe_file, "--data", images, "--out", tmp_path / "a", "--epochs", 0.25)
        done(recipe_file, "--data", images / "train-0.parquet", "--out", tmp_path / "b", "--epochs", 0.5)
        (validation, _), (training, _) = watched
        np.testing.assert_array_equal(validation.pixels.permute(0, 2, 3, 1), drawn(16, seed=1)[0][::2])
        np.testing.assert_array_equal(training.pixels.permute(0, 2, 3, 1), drawn(64)[0][:40:10])

    def test_the_real_one_reads_and_goes_on(self, images, recipe_file, tmp_path, monkeypatch):
        monkeypatch.setattr(pretrain, "APART", 4)
        words = (recipe_file, "--data", images, "--out", tmp_path)
        done(*words)
        done(*words, "--resume", "--epochs", 3)
        log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
        seen = [line for line in log if "effective_rank" in line]
        assert [line["step"] for line in seen] == [0, 4, 8, 12]
        assert all({"rankme_centred", "alignment", "knn_accuracy", "sigreg"} <= line.keys() for line in seen)
        state = json.loads((tmp_path / "monitor.json").read_text())
        assert [each["step"] for each in state["history"]] == [0, 4, 8, 12]


class TestTerminal:
    @pytest.fixture
    def shown(self, monkeypatch, images, recipe_file, tmp_path):
        """What a terminal is sent during a run."""

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr(pretrain, "APART", 4)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "140")
        argv = ["repscope", "pretrain", str(recipe_file), "--data", str(images), "--out", str(tmp_path)]
        with patch.object(sys, "argv", argv), redirect_stderr(terminal), redirect_stdout(io.StringIO()):
            cli.app(standalone_mode=False)
        return terminal.getvalue()

    def test_a_live_line_has_step_loss_speed_and_readings_above_it(self, shown):
        assert "reading images" in shown
        assert "training" in shown
        assert "8/8" in shown
        assert "loss 0." in shown
        assert "images/s" in shown
        assert "effective rank" in shown


class TestProcesses:
    def test_its_help_names_recipes_and_objectives_and_is_light(self):
        watch = "import atexit, sys\natexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        said = subprocess.run(
            [sys.executable, "-c", watch + COMMAND, "pretrain", "--help"],
            capture_output=True,
            text=True,
            env=os.environ | {"COLUMNS": "100"},
            timeout=60,
        )
        assert said.returncode == 0
        for name in ("tiny-imagenet", "cifar10-ijepa", "barlow_twins", "supervised", "vjepa"):
            assert name in said.stdout
        assert not {"torch", "numpy", "PIL", "pyarrow", "repscope.lab.objectives"} & set(said.stderr.split())

    def test_two_processes_end_as_one_and_one_of_them_speaks(self, images, tmp_path):
        (tmp_path / "exact.toml").write_text('precision = "float32"\n' + RECIPE)
        words = ["pretrain", str(tmp_path / "exact.toml"), "--data", str(images), "--epochs", "0.5", "--device", "cpu"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo"}
        both = [
            subprocess.Popen(
                [sys.executable, "-c", COMMAND, *words, "--out", str(tmp_path / "two")],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | group | {"RANK": rank, "LOCAL_RANK": rank},
            )
            for rank in "01"
        ]
        try:
            said = [process.communicate(timeout=100) for process in both]
        finally:
            for process in both:
                process.kill()
        assert [process.returncode for process in both] == [0, 0], said
        assert said[1] == ("", "")
        assert "2 processes" in said[0][1]
        assert "Wrote" in said[0][0]
        done(*words[1:], "--out", tmp_path / "one")
        one, two = card(tmp_path / "one"), card(tmp_path / "two")
        assert [one[name] for name in ("presentations", "images", "seed")] == [32, 64, 0]
        assert {name: value for name, value in two.items() if not name.startswith("knn")} == {
            name: value for name, value in one.items() if not name.startswith("knn")
        }
        alone = weights(tmp_path / "one")
        for name, value in weights(tmp_path / "two").items():
            torch.testing.assert_close(value, alone[name], atol=1e-3, rtol=0)
