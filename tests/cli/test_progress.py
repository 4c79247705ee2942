"""A bar for what takes over a second, on standard error, where somebody watches."""

import contextlib
import io
import sys
import time

import pytest

from repscope.cli._progress import Progress


class Stream(io.StringIO):
    def __init__(self, watched: bool):
        super().__init__()
        self.watched = watched

    def isatty(self) -> bool:
        return self.watched


def drawn(monkeypatch, watched: bool, seconds: float) -> str:
    stream = Stream(watched)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with Progress("comparing", patience=0.1) as progress:
        progress(3, 7)
        time.sleep(seconds)
    return stream.getvalue()


def test_a_bar_appears_though_nothing_is_called_meanwhile(monkeypatch):
    bar = drawn(monkeypatch, watched=True, seconds=0.6)
    assert "comparing" in bar
    assert "3/7" in bar


@pytest.mark.parametrize(("watched", "seconds"), [(True, 0.0), (False, 0.4)])
def test_there_is_none_where_it_is_quick_or_nobody_watches(monkeypatch, watched, seconds):
    assert drawn(monkeypatch, watched, seconds) == ""


def test_it_goes_before_the_report_comes(monkeypatch):
    stream = Stream(watched=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with contextlib.suppress(KeyboardInterrupt), Progress("comparing", patience=0.05) as progress:
        time.sleep(0.4)
        progress(1, 2)
        raise KeyboardInterrupt
    length = len(stream.getvalue())
    assert length
    time.sleep(0.3)
    assert len(stream.getvalue()) == length


def test_a_clock_that_strikes_as_the_work_ends_draws_nothing(monkeypatch):
    stream = Stream(watched=True)
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress("comparing") as progress:
        pass
    progress._appear()
    assert stream.getvalue() == ""
