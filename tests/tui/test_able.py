"""What the doctor says of terminals."""

import os
import sys

import pytest

from repscope.tui import able
from repscope.tui.terminal import Terminal

FULL = Terminal()


@pytest.fixture
def told(monkeypatch):
    """What is said of a terminal of this kind: thing -> (state, found)."""

    def ask(kind: str, size: tuple[int, int], here: Terminal, encoding: str = "utf-8") -> dict[str, tuple[str, str]]:
        stream = type("Stream", (), {"isatty": lambda self: True, "encoding": encoding})()
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("TERM", kind)
        monkeypatch.setattr(able.shutil, "get_terminal_size", lambda: os.terminal_size(size))
        monkeypatch.setattr(able.Terminal, "here", lambda: here)
        return {each.what: (each.state, each.found) for each in able.able()}

    monkeypatch.delenv("NO_COLOR", raising=False)
    return ask


def test_a_terminal_that_can_all(told):
    assert told("xterm-kitty", (120, 40), Terminal(graphics=True)) == {
        "terminal": ("ok", "xterm-kitty, 120 columns, 40 lines"),
        "characters": ("ok", "utf-8"),
        "pictures": ("ok", "pixels (sixels, or kitty's protocol)"),
    }


@pytest.mark.parametrize(("kind", "size"), [("dumb", (120, 40)), ("xterm", (79, 40)), ("xterm", (120, 23))])
def test_one_that_is_small_or_does_not_move_its_cursor(told, kind, size):
    assert told(kind, size, FULL)["terminal"][0] == "look"


def test_one_of_ascii_and_of_few_colours(told, monkeypatch):
    said = told("xterm", (80, 24), Terminal(pictures=False, unicode=False), "ANSI_X3.4-1968")
    assert said["terminal"][0] == "ok"
    assert said["characters"] == ("look", "ANSI_X3.4-1968: bars and signs are spelled")
    assert said["pictures"] == ("look", "none: under 256 colours")
    monkeypatch.setenv("NO_COLOR", "1")
    assert told("xterm", (80, 24), Terminal(colour=False, pictures=False))["pictures"][1] == "none: NO_COLOR is set"


def test_half_blocks(told):
    assert told("xterm-256color", (80, 24), FULL)["pictures"][1].startswith("half blocks")


def test_no_terminal_at_all(capsys):
    terminal, characters = able.able()
    assert terminal.found.startswith("none: the answer goes to a file or a pipe")
    assert characters.what == "characters"
