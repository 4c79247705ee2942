"""Everything this library raises on purpose; a person caused it and can mend it.

RepscopeError
├── UnknownName        a name that is in no catalogue
├── UnreadableImage    a file that should be an image and is not one we can show
├── NoImages           nothing left to look at
├── UnfitCheckpoint    weights that do not fit their contract, or are no weights
├── Unreachable        a hub, network or gate between us and the weights
├── UnfitTokens        tokens no measurement can be made of: not finite, or all alike
├── UnfitData          too few rows, or arrays whose shapes do not go together
├── Unsupported        an encoder that cannot give what is asked of it
├── Unwritable         an output that cannot be written where it was wanted
└── WrongUsage         options that contradict each other or name nothing

Stopped is none of these: nobody waits for the run any more.
"""

import difflib
from collections.abc import Iterable

LISTED = 24
"""Names that a message lists at most: of 50,000 images it cannot name all."""


class RepscopeError(Exception):
    """Base of every deliberate error."""


class UnknownName(RepscopeError, KeyError):
    """A name that is in no catalogue; the near ones are named."""

    def __init__(self, kind: str, name: str, known: Iterable[str], plural: str = ""):
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        more = f" and {len(known) - LISTED:,} more" if len(known) > LISTED + 1 else ""
        told = known[:LISTED] if more else known
        listing = f" List them with `repscope {plural}`." if plural else f" Known: {', '.join(told)}{more}."
        self.message = f"No {kind} is called {name!r}.{hint}{listing}"
        super().__init__(self.message)

    def __str__(self) -> str:  # KeyError would show the repr
        return self.message


class UnreadableImage(RepscopeError, ValueError):
    """A file that should be an image and is not one we can show."""


class NoImages(RepscopeError, ValueError):
    """Nothing left to look at."""


class UnfitCheckpoint(RepscopeError, ValueError):
    """Weights that do not fit their contract, or are no weights."""


class Unreachable(RepscopeError, OSError):
    """A hub, network or gate between us and the weights."""


class UnfitTokens(RepscopeError, ValueError):
    """Tokens no measurement can be made of: not finite, or all alike."""


class UnfitData(RepscopeError, ValueError):
    """Too few rows, or arrays whose shapes do not go together."""


class Unsupported(RepscopeError, TypeError):
    """An encoder that cannot give what is asked of it."""


class Unwritable(RepscopeError, OSError):
    """An output that cannot be written where it was wanted."""


class WrongUsage(RepscopeError, ValueError):
    """Options that contradict each other or name nothing."""


class Stopped(BaseException):
    """Raised by whoever listens to a run's progress, to end it; no Exception, so nothing takes it for a failure."""
