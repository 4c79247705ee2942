"""Listener: who is told of a run as it goes."""

from collections.abc import Mapping
from typing import Any, Protocol


class Listener(Protocol):
    """Who is told of a run as it goes."""

    def said(self, line: str) -> None:
        """A line for people."""

    def read(self, done: int, total: int) -> None:
        """Images decoded."""

    def stepped(self, step: int, of: int) -> None:
        """A step done."""

    def logged(self, line: Mapping[str, Any]) -> None:
        """A line of the log: loss, speed, and the monitor's readings when they come."""

    def answered(self, line: str) -> None:
        """What was found or made in the end."""


class Silent:
    """Hears nothing: for a process beside the first."""

    def said(self, line: str) -> None: ...
    def read(self, done: int, total: int) -> None: ...
    def stepped(self, step: int, of: int) -> None: ...
    def logged(self, line: Mapping[str, Any]) -> None: ...
    def answered(self, line: str) -> None: ...
