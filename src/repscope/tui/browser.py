"""Browser: folders and photos, one of which to open."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Static

from repscope.images.sources import SUFFIXES, natural
from repscope.tui.page import Page
from repscope.tui.state import ACCENT, BOLD, DIM, WARNING, State


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder or a photo, and how large it is."""

    path: Path
    folder: bool
    size: int = 0


class Browser(Page):
    """A list that is read anew for every folder."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "to(1)", show=False),
        Binding("up,k", "to(-1)", show=False),
        Binding("pagedown", "to(10)", show=False),
        Binding("pageup", "to(-10)", show=False),
        Binding("home,g", "to(-1000000)", show=False),
        Binding("end,G", "to(1000000)", show=False),
        Binding("enter,l,right", "open", show=False),
        Binding("h,left,backspace", "above", show=False),
        Binding("a", "all", show=False),
    ]
    title = "Open"
    keys = (("j k", "choose"), ("Enter", "open"), ("a", "all here"), ("h", "up"), ("Esc", "back"))

    class Chosen(Message):
        """Photos to look at."""

        def __init__(self, photos: list[str]):
            super().__init__()
            self.photos = photos

    def __init__(self, start: Path, id: str | None = None):  # noqa: A002  as every widget has it
        super().__init__(id=id)
        self.folder = start if start.is_dir() else start.parent
        self.start, self.at, self.entries, self.reason = start.name, 0, list[Entry](), ""

    def show(self, state: State) -> None:
        self.state = state
        self.read(self.entries[self.at].path.name if self.entries else self.start)
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def read(self, name: str = "") -> None:
        """List the folder anew; the cursor goes to this name, where it is still there."""
        try:
            self.entries, self.reason = listing(self.folder), ""
        except OSError as error:
            self.entries, self.reason = [], f"It cannot be read ({error.strerror})."
        names = [entry.path.name for entry in self.entries]
        self.at = names.index(name) if name in names else min(self.at, max(len(names) - 1, 0))

    def draw(self) -> None:
        if self.state is not None:
            self.query_one(Static).update(Text("\n").join(self.parts(self.state)))
            self.call_after_refresh(self.follow)

    def follow(self) -> None:
        """Keep the cursor in sight."""
        line, top, high = self.at + 2, self.scroll_offset.y, max(self.size.height, 1)
        if not top <= line - 2 or not line < top + high:
            self.scroll_to(y=max(line - 2 if line - 2 < top else line - high + 1, 0), animate=False)

    def parts(self, state: State) -> Iterable[Text]:
        yield state.words(str(self.folder), BOLD)
        yield state.words(self.reason or self.counted(), WARNING if self.reason else DIM)
        room = max(self.size.width - 14, 20)
        for i, entry in enumerate(self.entries):
            name = state.words(f"{entry.path.name}/" if entry.folder else entry.path.name)
            name.truncate(room, overflow="ellipsis", pad=True)
            beside = "" if entry.folder else f"{entry.size / 1000:,.0f} kB"
            line = Text.assemble("> " if i == self.at else "  ", name, (beside.rjust(11), DIM))
            line.stylize(f"bold {ACCENT}" if i == self.at else DIM if entry.folder else "")
            yield line

    def counted(self) -> str:
        photos = sum(not entry.folder for entry in self.entries)
        return f"{photos} photo{'s' * (photos != 1)}"

    def action_to(self, steps: int) -> None:
        self.at = min(max(self.at + steps, 0), max(len(self.entries) - 1, 0))
        self.draw()

    def action_open(self) -> None:
        if self.entries and self.entries[self.at].folder:
            self.go(self.entries[self.at].path)
        elif self.entries:
            self.post_message(self.Chosen([str(self.entries[self.at].path)]))

    def action_all(self) -> None:
        photos = [str(entry.path) for entry in self.entries if not entry.folder]
        if photos:
            self.post_message(self.Chosen(photos))

    def action_above(self) -> None:
        self.go(self.folder.parent, self.folder.name)

    def go(self, folder: Path, name: str = "") -> None:
        self.folder, self.at = folder, 0
        self.read(name)
        self.draw()


def listing(folder: Path) -> list[Entry]:
    """Folders, then photos, each in natural order; hidden ones aside."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    found.append(Entry(Path(entry.path), True))
                elif Path(entry.name).suffix.lower() in SUFFIXES:
                    found.append(Entry(Path(entry.path), False, entry.stat().st_size))
            except OSError:  # a link to nowhere: listed, and refused by name when it is opened
                found.append(Entry(Path(entry.path), False))
    return sorted(found, key=lambda entry: (not entry.folder, natural(entry.path.name)))
