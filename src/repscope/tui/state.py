"""State: what the screen shows now, the same for all its pages."""

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from repscope.render._colours import LINES
from repscope.tui.answers import Answers
from repscope.tui.terminal import Terminal

ACCENT = LINES[0]
DIM, BOLD, STRONG = "dim", "bold", f"bold {ACCENT}"
WARNING = "yellow"


@dataclass(frozen=True)
class State:
    """What is known and chosen.

    Attributes:
        chosen: Which of the encoders named is looked at.
        photo: Which of the probe's photos is looked at.
    """

    terminal: Terminal
    answers: Answers
    chosen: int = 0
    photo: int = 0

    @property
    def encoder(self) -> str:
        names = self.answers.names
        return names[self.chosen % len(names)] if names else ""

    def words(self, text: str, style: str | Style = "") -> Text:
        """A stranger's text as it may be shown, never markup."""
        return Text(self.terminal.words(text), style)

    def colour(self, encoder: str) -> str:
        """The colour of an encoder's line and name, the same on every page."""
        names = self.answers.names
        return LINES[names.index(encoder) % len(LINES)] if encoder in names else ""

    def name(self, encoder: str) -> Text:
        """An encoder's name; the chosen one stands out."""
        return self.words(encoder, STRONG if encoder == self.encoder else BOLD)
