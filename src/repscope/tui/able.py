"""Able: what the terminal can show, as the doctor tells it."""

import os
import shutil
import sys
from collections.abc import Iterator

from repscope.analyses._finding import Finding, look
from repscope.tui.terminal import Terminal

LEAST = (80, 24)
"""Columns and lines under which a screen is cramped."""


def able() -> Iterator[Finding]:
    """Its kind, size, characters, colours and pixels."""
    if not sys.stdout.isatty():
        yield Finding("terminal", "none: the answer goes to a file or a pipe, as plain text")
        yield _characters(getattr(sys.stdout, "encoding", None) or "ascii")
        return
    here, size = Terminal.here(), shutil.get_terminal_size()
    found = f"{os.environ.get('TERM', 'TERM is not set')}, {size.columns} columns, {size.lines} lines"
    if os.environ.get("TERM", "dumb") == "dumb":
        yield look("terminal", found, "`tui` wants one that moves its cursor; everything else works.")
    elif size.columns < LEAST[0] or size.lines < LEAST[1]:
        yield look("terminal", found, f"Make it {LEAST[0]} x {LEAST[1]} or larger: tables are cut in pieces.")
    else:
        yield Finding("terminal", found)
    yield _characters(getattr(sys.stdout, "encoding", None) or "ascii")
    yield _pictures(here)


def _characters(encoding: str) -> Finding:
    if "utf" in encoding.lower():
        return Finding("characters", encoding)
    return look(
        "characters", f"{encoding}: bars and signs are spelled", "Set LC_ALL to a UTF-8 locale, or PYTHONUTF8=1."
    )


def _pictures(here: Terminal) -> Finding:
    if here.graphics:
        return Finding("pictures", "pixels (sixels, or kitty's protocol)")
    if here.pictures:
        return Finding("pictures", "half blocks in colours; `-o` and `serve` have pixels")
    if "NO_COLOR" in os.environ:
        return look("pictures", "none: NO_COLOR is set", "Unset it; or -o FOLDER, or `repscope serve`.")
    return look("pictures", "none: under 256 colours", "Set TERM=xterm-256color where it has them; or -o FOLDER.")
