"""doctor: what does repscope find on this machine, what will it do with it, and what could be better?"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from repscope.analyses._extras import extras, needed
from repscope.analyses._finding import Finding, Question, answered, table
from repscope.analyses._machine import machine
from repscope.analyses._places import places
from repscope.analyses._reach import reach
from repscope.report import Note, Report

SECTIONS: tuple[tuple[str, tuple[Question, ...]], ...] = (
    ("Machine", (machine,)),
    ("Folders", (places,)),
    ("Hub", (reach,)),
    ("Packages", (needed, extras)),
)


def doctor(terminal: Callable[[], Iterable[Finding]] | None = None) -> Report:
    """Python, torch, cores, instructions, precision, folders, hub, token, packages: each as found, and what to do.

    Raises nothing, waits a few seconds at most, changes nothing, and tells no token.

    Args:
        terminal: What the terminal can show, where one is asked from: a face knows that.
    """
    with ThreadPoolExecutor() as pool:  # the hub may keep one waiting, torch too
        asked = [(title, [pool.submit(answered, title.lower(), one) for one in all_]) for title, all_ in SECTIONS]
        shown = answered("terminal", terminal) if terminal else ()  # here: it speaks with the terminal
        found = {title: [finding for each in futures for finding in each.result()] for title, futures in asked}
    found |= {"Terminal": list(shown)} if shown else {}
    findings = [finding for each in found.values() for finding in each]
    return Report("Doctor", (*_summary(findings), *(table(title, each) for title, each in found.items())))


def _summary(findings: list[Finding]) -> list[Note]:
    wrong = [Note(f"Broken: {f.what}: {f.found}. {f.do}", "warning") for f in findings if f.state == "broken"]
    better = [f.what for f in findings if f.state == "look"]
    words = f" To look at: {', '.join(better)}." if better else ""
    return wrong or [Note(f"Nothing that repscope needs is broken.{words}", "finding")]


def broken(report: Report) -> bool:
    """Whether a report of the doctor names something that nothing works without."""
    return any(isinstance(block, Note) and block.kind == "warning" for block in report.blocks)
