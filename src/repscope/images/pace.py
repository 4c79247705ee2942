"""Pace: how photos are decoded and scaled: exactly, as published, or fast, at most two grey levels from that."""

from importlib.util import find_spec
from typing import Literal, get_args

from repscope.errors import UnknownName, Unsupported

Pace = Literal["exact", "fast"]
"""`exact` gives the pixels of the published processors to the bit; `fast` takes about half the time."""

INSTALL = "The fast pace wants simplejpeg: pip install 'repscope[fast]'. The exact one does without."


def checked(pace: Pace) -> Pace:
    """The same; raises UnknownName for another word, Unsupported where the fast pace wants what is not installed.

    >>> checked("exact")
    'exact'
    """
    if pace not in get_args(Pace):
        raise UnknownName("pace", pace, get_args(Pace))
    if pace == "fast" and find_spec("simplejpeg") is None:
        raise Unsupported(INSTALL)
    return pace


def paced(fast: bool) -> Pace:
    """As a person says it; raises Unsupported where what it wants is not installed."""
    return checked("fast" if fast else "exact")
