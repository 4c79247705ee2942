"""Page: what stands under one tab; it scrolls, and shows the state anew when that changes."""

from collections.abc import Iterable
from typing import ClassVar

from rich.console import Group, RenderableType
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from repscope.tui.state import State

WIDE = 120
"""Columns from which on things stand side by side."""


class Page(VerticalScroll):
    """A page; `parts` says what stands on it, `keys` what can be pressed there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", show=False),
        Binding("up,k", "scroll_up", show=False),
        Binding("home,g", "scroll_home", show=False),
        Binding("end,G", "scroll_end", show=False),
    ]
    title = ""
    keys: tuple[tuple[str, str], ...] = (("j k", "scroll"),)
    state: State | None = None

    def compose(self) -> ComposeResult:
        yield Static(markup=False)

    def show(self, state: State) -> None:
        """Show this, unless it is shown already."""
        if state is not self.state:
            self.state = state
            self.query_one(Static).update(Group(*self.parts(state)))

    def parts(self, state: State) -> Iterable[RenderableType]:
        """What stands on the page, from top to bottom."""
        raise NotImplementedError
