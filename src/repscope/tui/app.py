"""App: the screen, its pages and keys."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.filter import LineFilter
from textual.message import Message
from textual.widgets import ContentSwitcher, Static

from repscope.errors import RepscopeError
from repscope.images.samples import samples
from repscope.tui.answers import Answers
from repscope.tui.bars import Footer, Header, Line, Tab
from repscope.tui.browser import Browser
from repscope.tui.compare import Compare
from repscope.tui.dashboard import Dashboard
from repscope.tui.help import Help
from repscope.tui.inspector import Inspector
from repscope.tui.page import WIDE, Page
from repscope.tui.probe import ProbePage
from repscope.tui.spectrum import Spectrum
from repscope.tui.state import WARNING, State
from repscope.tui.study import Answered, Heard, Progress, Refused, Study
from repscope.tui.terminal import Terminal

if TYPE_CHECKING:
    from repscope.encoders.encoder import Framing

PAGES = {"dashboard": Dashboard, "inspector": Inspector, "compare": Compare, "spectrum": Spectrum, "probe": ProbePage}
TABS = ("1", "2", "3", "4", "5")
KEYS = (("m", "encoder"), ("o", "open"), ("?", "help"), ("q", "quit"))
LEAST = (60, 16)


class Told(Message):
    """What the study's thread says."""

    def __init__(self, heard: Heard):
        super().__init__()
        self.heard = heard


class RepscopeApp(App[RepscopeError | None]):
    """`repscope tui`."""

    CSS_PATH = "style.tcss"
    TITLE = "repscope"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"page('{page}')", show=False) for key, page in zip(TABS, PAGES, strict=True)),
        Binding("question_mark", "help", show=False),
        Binding("tab", "turn(1)", show=False, priority=True),
        Binding("shift+tab", "turn(-1)", show=False, priority=True),
        Binding("m", "encoder", show=False),
        Binding("n", "photo(1)", show=False),
        Binding("N", "photo(-1)", show=False),
        Binding("o", "open", show=False),
        Binding("escape", "close", show=False),
        Binding("q,ctrl+c", "leave", show=False, priority=True),
    ]

    def __init__(
        self,
        photos: Sequence[str],
        names: Sequence[str],
        *,
        framing: "Framing" = "square",
        layer: int = -1,
        terminal: Terminal | None = None,
    ):
        super().__init__(ansi_color=True)
        self.animation_level = "none"
        self.terminal = terminal or Terminal.here()
        self.photos = list(photos)
        self.study = Study(names, self.hear, framing, layer)
        self.state = State(self.terminal, Answers(tuple(names)))
        self.before = "dashboard"

    def hear(self, heard: Heard) -> None:
        """From the study's thread; what comes after the end is dropped."""
        self.post_message(Told(heard))

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self.terminal.filters]

    def compose(self) -> ComposeResult:
        yield Static(id="small", markup=False)
        with Vertical(id="main"):
            yield Header()
            with Horizontal(id="tabs"):
                for key, (name, page) in zip(TABS, PAGES.items(), strict=True):
                    yield Tab(name, key, page.title)
                yield Tab("help", "?", Help.title)
            yield Line()
            with ContentSwitcher(initial="dashboard"):
                for name, page in PAGES.items():
                    yield page(id=name)
                yield Help(id="help")
                yield Browser(self.start(), id="browser")
            yield Static(id="message", markup=False)
            yield Footer()

    def on_mount(self) -> None:
        self.theme = "ansi-dark"
        self.action_page("dashboard")
        self.ask(self.photos)

    def on_unmount(self) -> None:
        self.study.leave(0.0)

    def start(self) -> Path:
        """Where browsing begins: at the first photo."""
        return Path(self.photos[0] if self.photos else samples()[0]).absolute()

    def ask(self, photos: Sequence[str]) -> None:
        """Measure these photos; what is shown stays until they are answered."""
        self.say("")
        self.study.ask(photos)

    def on_told(self, told: Told) -> None:
        heard, line = told.heard, self.query_one(Line)
        if isinstance(heard, Progress):
            line.words, line.share = heard.words, heard.share
        elif isinstance(heard, Answered):
            line.words = "" if heard.over else line.words
            photo = self.state.photo if self.state.answers.probe is heard.answers.probe else 0
            self.change(answers=heard.answers, photo=photo)
        elif isinstance(heard, Refused):
            line.words = ""
            self.refuse(heard)

    def refuse(self, refused: Refused) -> None:
        """A person's mistake is a message; a bug shows its traceback."""
        if not isinstance(refused.error, RepscopeError):
            raise refused.error
        if refused.fatal:
            self.exit(refused.error)
        self.say(str(refused.error))

    def say(self, message: str) -> None:
        """A message above the keys, until the next photo is opened or Escape is pressed."""
        bar = self.query_one("#message", Static)
        bar.display = bool(message)
        bar.update(Text(self.terminal.words(message), WARNING))

    def change(self, **what: object) -> None:
        """Another state, shown on the page that is seen."""
        self.state = replace(self.state, **what)  # type: ignore[arg-type]
        self.query_one(Header).state = self.state
        self.page.show(self.state)

    @property
    def page(self) -> Page:
        page = self.query_one(ContentSwitcher).visible_content
        assert isinstance(page, Page)
        return page

    def action_page(self, name: str) -> None:
        self.query_one(ContentSwitcher).current = name
        if name not in ("help", "browser"):
            self.before = name
        for tab in self.query(Tab):
            tab.set_class(tab.page == name, "chosen")
        self.query_one(Footer).keys = (*self.page.keys, *KEYS)
        self.change()
        self.page.focus()

    def action_turn(self, step: int) -> None:
        names = [*PAGES, "help"]
        here = self.page.id if self.page.id in names else self.before
        self.action_page(names[(names.index(str(here)) + step) % len(names)])

    def action_help(self) -> None:
        self.action_page(self.before if self.page.id == "help" else "help")

    def action_open(self) -> None:
        self.action_page(self.before if self.page.id == "browser" else "browser")

    def action_close(self) -> None:
        self.say("")
        self.action_page(self.before)

    def action_encoder(self) -> None:
        self.change(chosen=(self.state.chosen + 1) % max(len(self.state.answers.names), 1))

    def action_photo(self, step: int) -> None:
        probe = self.state.answers.probe
        if probe is not None:
            self.change(photo=(self.state.photo + step) % len(probe.photos))

    def on_browser_chosen(self, chosen: Browser.Chosen) -> None:
        self.photos = chosen.photos
        self.action_page(self.before)
        self.ask(chosen.photos)

    def action_leave(self) -> None:
        self.exit()

    def on_resize(self, event: Resize) -> None:
        small = event.size.width < LEAST[0] or event.size.height < LEAST[1]
        self.screen.set_class(event.size.width >= WIDE, "-wide")
        self.query_one("#main").display, self.query_one("#small").display = not small, small
        self.query_one("#small", Static).update(
            Text(f"Too small: {event.size.width} x {event.size.height}. {LEAST[0]} x {LEAST[1]} are wanted.")
        )
