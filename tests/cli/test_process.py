"""A real process: start-up, streams, signals, and a bug."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = "import sys; sys.argv = ['repscope', *sys.argv[1:]]; from repscope.cli import main; main()"
NO_NETWORK = """import sys
def hook(event, _):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise AssertionError("the network was used")
sys.addaudithook(hook)
"""


def process(code: str, *arguments: str, unset: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if key not in unset} | more
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environment, timeout=60
    )


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["compare", "--help"], ["models", "--help"]])
def test_help_is_light_and_needs_neither_home_nor_network(arguments):
    watch = "import atexit, sys\natexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
    said = process(NO_NETWORK + watch + COMMAND, *arguments, unset=("HOME",))
    assert said.returncode == 0, said.stderr
    assert "repscope" in said.stdout.lower()
    heavy = {"torch", "numpy", "PIL", "altair", "sklearn", "transformers", "huggingface_hub", "scipy"}
    assert not heavy & set(said.stderr.split())


def test_the_watch_on_the_network_sees_it_used():
    said = process(NO_NETWORK + "import socket; socket.create_connection(('127.0.0.1', 1))")
    assert "the network was used" in said.stderr


def test_the_package_is_light():
    said = process("import sys, repscope, repscope.encoders; print(*sys.modules); repscope.encoders.available()")
    assert not {"torch", "numpy", "PIL", "safetensors", "huggingface_hub"} & set(said.stdout.split())


def test_models_need_neither_home_nor_network():
    said = process(NO_NETWORK + COMMAND, "models", unset=("HOME",))
    assert said.returncode == 0, said.stderr
    assert "tiny-mae" in said.stdout


@pytest.mark.parametrize("asked", [["metrics"], ["metrics", "rsa"]], ids=["more than a buffer", "less"])
def test_a_reader_that_goes_away_is_no_bug(asked):
    command = [sys.executable, "-c", COMMAND, *asked]
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=buffered) as gone:
        assert gone.stdout is not None
        assert gone.stderr is not None
        gone.stdout.close()
        assert gone.stderr.read() == b""
        assert gone.wait(30) == 1


def test_a_report_is_kept_when_its_reader_goes_away(tmp_path):
    command = [sys.executable, "-c", COMMAND, "inspect", "-m", "tiny-random", "-o", str(tmp_path / "kept")]
    with subprocess.Popen([*command, "--format", "json"], stdout=subprocess.PIPE) as gone:
        assert gone.stdout is not None
        gone.stdout.close()
    assert (tmp_path / "kept" / "report.json").is_file()


BREAKS = "import repscope.analyses.metrics as m\ndef metrics(name): {}\nm.metrics = metrics\n"


def test_ctrl_c_ends_with_130_and_one_line():
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job does not
    said = process(listening + BREAKS.format("signal.raise_signal(signal.SIGINT)") + COMMAND, "metrics")
    assert said.returncode == 130
    assert said.stderr == "repscope: stopped.\n"


def test_a_bug_shows_its_traceback():
    said = process(BREAKS.format("raise RuntimeError('a bug')") + COMMAND, "metrics")
    assert said.returncode == 1
    assert said.stderr.startswith("Traceback")
    assert said.stderr.rstrip().endswith("RuntimeError: a bug")


@pytest.mark.parametrize("medium", ["text", "json", "html"])
def test_a_stream_of_ascii_is_written_to(medium):
    said = process(COMMAND, "metrics", "--format", medium, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert said.returncode == 0, said.stderr
    assert said.stdout.isascii() == (medium == "text")


def test_the_installed_command_and_the_module_are_one():
    command = Path(sys.executable).with_name("repscope")
    said = subprocess.run([command, "schema"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 0
    assert said.stdout == process(COMMAND, "schema").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_behind_standard_output_is_told_in_a_line():
    with Path("/dev/full").open("w") as full:
        said = subprocess.run(
            [sys.executable, "-c", COMMAND, "metrics"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert said.returncode == 1
    assert said.stderr.strip().count("\n") == 0, said.stderr
    assert "-o DIR" in said.stderr
