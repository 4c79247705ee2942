"""Terminal: what the terminal can show, and what is sent to one that can show less."""

import os
import sys
import unicodedata
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter, NoColor

from repscope.render._wording import ascii_only, legible

PLAIN = {
    **dict.fromkeys("─╌╴╶", "-"),
    **dict.fromkeys("━═", "="),
    **dict.fromkeys("┤├┼└┘┌┐┬┴", "+"),
    **dict.fromkeys("│┃▏▎▍▌▕", "|"),
    **dict.fromkeys("█▓▒▇▆▅▄▀", "#"),
    **{"…": ".", "•": "*", "·": "*", "×": "x", "–": "-", "²": "2", "→": ">", "±": "+", "°": "o", "▁": "_"},
}


@dataclass(frozen=True, slots=True)
class Terminal:
    """What can be shown.

    Attributes:
        colour: Any colours at all.
        pictures: 256 colours or more, of which pictures can be made.
        unicode: More than ASCII.
        graphics: Pixels, by sixels or kitty's protocol.
    """

    colour: bool = True
    pictures: bool = True
    unicode: bool = True
    graphics: bool = False

    @classmethod
    def here(cls) -> "Terminal":
        """The one that standard error goes to, where screens are drawn; asks it, so no screen may be open yet."""
        colours = Console(file=sys.__stderr__, force_terminal=True).color_system
        colour = colours is not None and "NO_COLOR" not in os.environ
        unicode = "utf" in (getattr(sys.__stderr__, "encoding", None) or "ascii").lower()
        pictures = colour and unicode and colours in ("256", "truecolor")
        return cls(colour, pictures, unicode, pictures and _pixels())

    def words(self, text: str) -> str:
        """A stranger's text, safe to show here."""
        text = legible(text)
        return text if self.unicode else ascii_only(text)

    @property
    def filters(self) -> list[LineFilter]:
        """What every line goes through before it is sent."""
        return [*([] if self.colour else [NoColor()]), *([] if self.unicode else [Ascii()])]


def _pixels() -> bool:
    """Whether the terminal says that it draws pixels."""
    import logging

    logging.getLogger("textual_image").addHandler(logging.NullHandler())
    from textual_image import renderable

    return renderable.Image in (renderable.SixelImage, renderable.TGPImage)


class Ascii(LineFilter):
    """Every character as one that is ASCII, in as many columns."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [
            segment if segment.text.isascii() else Segment(_spelled(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def _spelled(text: str) -> str:
    return "".join(character if character.isascii() else _letter(character) for character in text)


def _letter(character: str) -> str:
    if character in PLAIN:
        return PLAIN[character]
    bare = unicodedata.normalize("NFKD", character)[0]
    return (bare if bare.isascii() else "?") * cell_len(character)
