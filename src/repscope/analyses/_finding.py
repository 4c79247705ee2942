"""Finding: one thing that was looked at on this machine, how it is, and what to do about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from repscope.errors import RepscopeError
from repscope.report import Table


@dataclass(frozen=True, slots=True)
class Finding:
    """What, how it was found, and what to do.

    Attributes:
        state: `broken` where repscope cannot do without, `look` where something could be had or be better.
    """

    what: str
    found: str
    do: str = ""
    state: Literal["ok", "look", "broken"] = "ok"


def look(what: str, found: str, do: str) -> Finding:
    """Something that could be better."""
    return Finding(what, found, do, "look")


def broken(what: str, found: str, do: str) -> Finding:
    """Something that nothing works without."""
    return Finding(what, found, do, "broken")


Question = Callable[[], Finding | Iterable[Finding]]


def answered(what: str, question: Question) -> tuple[Finding, ...]:
    """What a question finds; and where it fails itself, that."""
    try:
        found = question()
        return (found,) if isinstance(found, Finding) else tuple(found)
    except RepscopeError as error:  # it says itself what to do
        return (look(what, str(error).rstrip("."), ""),)
    except Exception as error:  # whoever asks what is wrong must not be told by a traceback
        said = (str(error).strip() or "no reason given").splitlines()[0]
        return (look(what, f"could not be found out: {type(error).__name__}, {said}", "Tell us: this is a bug."),)


def table(title: str, findings: Iterable[Finding]) -> Table:
    """Findings as a table; what to do stands where it is found to be wanted."""
    rows = ((each.what, each.state, f"{each.found}. {each.do}" if each.do else each.found) for each in findings)
    return Table(title, ("", "state", "found, and what to do"), tuple(rows))
