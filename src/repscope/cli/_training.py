"""Training: a run as a person sees it, a live line in a terminal and plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import typer

RATE = 0.1
"""Seconds between two changes of the live line."""

SHOWN = {"effective_rank": "effective rank {:.1f}", "isotropy": "isotropy {:.2g}", "knn_accuracy": "k-NN {:.1%}"}
"""Readings that a person is shown, and how; the log has them all."""


class Training:
    """Hears of a run and shows it on standard error; what was found in the end goes to standard output."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.task: Any = None
        self.began: tuple[float, int] | None = None
        self.shown = 0.0

    def __enter__(self) -> "Training":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def said(self, line: str) -> None:
        self._end()
        typer.echo(line, err=True)

    def answered(self, line: str) -> None:
        self._end()
        typer.echo(line)

    def read(self, done: int, total: int) -> None:
        self._show("reading images", done, total)

    def stepped(self, step: int, of: int) -> None:
        if self.began is None:
            self.began = (time.monotonic(), step - 1)
        self._show("training", step, of)

    def logged(self, line: Mapping[str, Any]) -> None:
        """The live line gets loss and speed; readings stand above it, and where nobody watches everything does."""
        if self.bar is not None and "loss" in line:
            self.bar.update(self.task, told=f"loss {line['loss']:.4f}, {line['images_per_second']:,.0f} images/s")
        if self.bar is None or readings(line):
            self._print(f"step {line['step']:,} of {line['of']:,}: {self._told(line)}")
        if line.get("collapse"):
            self._print(f"WARNING at step {line['step']:,}: {line['collapse']}", "bold red")

    def _told(self, line: Mapping[str, Any]) -> str:
        if "loss" not in line:
            return ", ".join(["untrained", *readings(line)])
        parts = [f"loss {line['loss']:.4f}", f"{line['images_per_second']:,.0f} images/s"]
        if self.began is not None and line["step"] > self.began[1]:
            each = (time.monotonic() - self.began[0]) / (line["step"] - self.began[1])
            parts.append(f"{duration(each * (line['of'] - line['step']))} left")
        return ", ".join(parts + readings(line))

    def _print(self, line: str, style: str = "") -> None:
        if self.bar is not None:
            self.bar.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(line, err=True)

    def _show(self, what: str, done: int, total: int) -> None:
        """The live line, begun where there is none; not at every one of many quick steps."""
        if not sys.stderr.isatty() or (self.bar is not None and done < total and time.monotonic() - self.shown < RATE):
            return
        self.shown = time.monotonic()
        if self.bar is None:
            self.bar = _bar()
            self.task = self.bar.add_task(what, completed=done, total=total, told="")
            self.bar.start()
        self.bar.update(self.task, description=what, completed=done, total=total)

    def _end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}", markup=False),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def readings(line: Mapping[str, Any]) -> list[str]:
    """The monitor's main readings in a line of the log, in words.

    >>> readings({"step": 200, "loss": 0.5, "effective_rank": 12.3456, "sigreg": 3.0, "knn_accuracy": 0.25})
    ['effective rank 12.3', 'k-NN 25.0%']
    """
    return [told.format(line[name]) for name, told in SHOWN.items() if isinstance(line.get(name), int | float)]


def duration(seconds: float) -> str:
    """A time as a person says it.

    >>> duration(42), duration(600), duration(9000)
    ('42 s', '10 min', '2 h 30 min')
    """
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
