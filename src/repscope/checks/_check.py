"""Check: a question about an encoder whose answer is verified, failed, or why it could not be asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from repscope.checks._subject import Subject

Verdict = Literal["verified", "failed", "unchecked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found out, now; nothing of it is stored.

    Attributes:
        about: What was looked at: "SHA-256 of model.safetensors".
        verdict: `verified`, `failed`, or `unchecked` where it could not be asked.
        said: What was wanted and what came; for `unchecked` the reason, as the end of "could not be checked, because".
        measured, at_most, at_least, unit: The number that decides, and its bar, where it is a number.
        source: Where what was wanted comes from.
    """

    about: str
    verdict: Verdict
    said: str
    measured: float | None = None
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A question, and how it is asked. A RepscopeError that asking raises is a finding, not an end.

    Attributes:
        name: Its file's.
        asks: One sentence: what is verified where it passes.
        run: Yields what it finds of an encoder.
    """

    name: str
    asks: str
    run: "Callable[[Subject], Iterable[Finding]]"
