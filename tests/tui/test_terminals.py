"""Real terminals: none, a dumb one, one without colour and Unicode."""

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from repscope.tui.terminal import Terminal

COMMAND = [
    sys.executable,
    "-c",
    "import sys; sys.argv = ['repscope', *sys.argv[1:]]; from repscope.cli import main; main()",
]


def in_terminal(*arguments, until, then, **more):
    """What the command sends to a terminal of 80 x 24 until something is there and these keys are pressed; its code."""
    ours, theirs = pty.openpty()
    os.set_inheritable(theirs, True)
    environment = {**os.environ, "COLUMNS": "80", "LINES": "24", **more}
    process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    sent, pressed, end = b"", False, time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                sent += os.read(ours, 1 << 16)
            except OSError:
                break
        if until in sent and not pressed:
            os.write(ours, then)
            pressed = True
    code = process.wait(10)
    os.close(ours)
    return sent, code


def test_no_terminal_is_said_at_once():
    said = subprocess.run([*COMMAND, "tui"], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert said.returncode == 1
    assert "wants a terminal" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_dumb_terminal_is_said_at_once():
    sent, code = in_terminal("tui", until=b"\0", then=b"", TERM="dumb")
    assert code == 1
    assert b"wants a terminal" in sent


def test_without_colour_and_unicode_only_ascii_is_sent(photo):
    sent, code = in_terminal(
        *("tui", str(photo), "-m", "tiny-dino"),
        until=b"Effective",
        then=b"q",
        **{"TERM": "xterm-256color", "NO_COLOR": "1", "PYTHONIOENCODING": "ascii"},
    )
    assert code == 0
    assert sent.isascii()
    assert not re.search(rb"\x1b\[[\d;]*[34]8;[25]", sent)
    assert b"\x1b[?1049l" in sent


def test_quitting_while_it_loads_gives_the_terminal_back(photo):
    sent, code = in_terminal("tui", str(photo), until=b"loading", then=b"q", TERM="xterm-256color")
    assert code == 0
    assert b"\x1b[?1049l" in sent
    assert b"Traceback" not in sent


@pytest.mark.parametrize(
    ("variables", "colour", "pictures"),
    [
        ({"TERM": "xterm-256color"}, True, True),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, True, True),
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_what_a_terminal_can_show(monkeypatch, variables, colour, pictures):
    for name in ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal.here()
    assert (terminal.colour, terminal.pictures) == (colour, pictures and terminal.unicode)
    assert not terminal.graphics
