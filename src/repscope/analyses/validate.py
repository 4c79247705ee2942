"""validate: can what these encoders say be trusted, here and now?"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from repscope import checks
from repscope.analyses._provenance import surroundings
from repscope.analyses._study import Progress
from repscope.checks import Check, Finding, Subject
from repscope.checks._picture import picture as opened
from repscope.encoders import available
from repscope.errors import RepscopeError, UnfitCheckpoint, UnfitTokens, UnknownName
from repscope.report import Block, Cell, Note, Number, Report, Table

WORDS = {"failed": "FAILED", "unchecked": "could not be checked", "verified": "verified now"}
"""In the order they are told: what failed first, and what is well last."""
MEASURED = "What the row's bar is of. It and the bar are fixed numbers, so it has no interval."
NOT_PUBLISHED = "these are not the published weights"
WEIGHED = ("files", "alive", "parity")
"""Checks that say nothing without weights."""
REST = "all the rest"
DAMAGE = (UnfitCheckpoint, UnfitTokens)
"""What a check that is broken off by these has found out; by any other error it was kept from asking."""

Found = list[tuple[Check, list[Finding]]]


def validate(
    names: Sequence[str] = (),
    picture: str | Path | None = None,
    progress: Progress | None = None,
    checks: Sequence[str] | None = None,
) -> Report:
    """Every check of every encoder: verified now, failed, or could not be checked, because of what.

    Nothing is remembered from another run. A check that an encoder's files or the network keep from being asked says
    so, and the others go on.

    Args:
        names: As `load` takes them; none: the encoders that come with the package.
        picture: A copy of the COCO picture that outputs were published for, where the network cannot be asked.
        progress: Called with checks done and checks in all.
        checks: Names of `repscope.checks.catalogue`; all where none are given.

    Raises UnknownName for a check or an encoder that is none, WrongUsage for a picture that is another. `passed` tells
    whether all that could be checked is as it should be.
    """
    asked = [_check(name) for name in checks or every()]
    names = list(dict.fromkeys(names)) or [each.name for each in available().values() if each.family == "lab"]
    place = None if picture is None else Path(picture)
    if place is not None:
        opened(place)  # another picture is wrong usage, not a finding
    subjects = [Subject(name, place) for name in names]
    for subject in subjects:
        _known(subject)
    results: dict[str, Found] = {}
    sources: list[dict[str, Any]] = []
    for number, subject in enumerate(subjects):
        results[subject.name] = []
        broken: dict[str, str] = {}
        for done, check in enumerate(asked):
            if progress is not None:
                progress(number * len(asked) + done, len(subjects) * len(asked))
            results[subject.name].append((check, list(_findings(check, subject, broken))))
        sources.append(_described(subject))
        vars(subject).clear()  # its weights: the next may be as large
    if progress is not None:
        progress(len(subjects) * len(asked), len(subjects) * len(asked))
    return _report(results, sources, [check.name for check in asked], checks, place)


def passed(report: Report) -> bool:
    """Whether nothing failed in a report of `validate`: all that could be checked was as it should be."""
    return not any(counts["failed"] for counts in report.provenance["verdicts"].values())


def every() -> list[str]:
    """All checks, in the order they are asked; those of other distributions last."""
    known = list(checks.catalogue)
    return [*(name for name in checks.ORDER if name in known), *(n for n in known if n not in checks.ORDER)]


def _check(name: str) -> Check:
    if name not in checks.catalogue:
        raise UnknownName("check", name, checks.catalogue)
    return checks.catalogue[name]


def _known(subject: Subject) -> None:
    """Raises UnknownName before any work; whatever else is wrong with a name is a finding."""
    from repscope.encoders.load import sought

    try:
        sought(subject.name)
    except UnfitCheckpoint:
        return


def _findings(check: Check, subject: Subject, broken: dict[str, str]) -> Iterator[Finding]:
    """What a check yields; what breaks it off is the last thing it found, told in full by the first that it breaks off.

    Args:
        broken: What broke earlier checks of the encoder off, and the first of them.
    """
    try:
        yield from check.run(subject)
    except RepscopeError as error:
        said = str(error).rstrip(".")
        if first := broken.get(said):
            yield Finding(about=REST, verdict="unchecked", said=f"it is broken off by what broke off {first}")
            return
        broken[said] = check.name
        yield Finding(about=REST, verdict="failed" if isinstance(error, DAMAGE) else "unchecked", said=said)
    except OSError as error:
        yield Finding(about=REST, verdict="unchecked", said=f"a file cannot be read: {error}")


def _described(subject: Subject) -> dict[str, Any]:
    """The contract, and which weights these were, as far as they could be had."""
    from repscope.checks._origin import origin

    said: dict[str, Any] = {"name": subject.name}
    try:
        said |= {"contract": asdict(subject.contract)}
        at = origin(subject)
        said |= {"revision": f"{at.place}, sha256 {at.digest}"}
    except (RepscopeError, OSError) as error:
        said |= {"revision": str(error)}
    return said


def _report(
    results: dict[str, Found],
    sources: list[dict[str, Any]],
    asked: list[str],
    given: Sequence[str] | None,
    picture: Path | None,
) -> Report:
    counts = {name: _counted(found) for name, found in results.items()}
    results = dict(sorted(results.items(), key=lambda item: -_counted(item[1])["failed"]))  # stable: as asked
    blocks: list[Block] = [_summed(name, counts[name], found) for name, found in results.items()]
    blocks += [_overview(results)] if len(results) > 1 else []
    blocks += [block for name, found in results.items() for block in _tables(name, found)]
    blocks += _sources(results)
    blocks.append(Table("Checks asked", ("check", "asks"), tuple((c, checks.catalogue[c].asks) for c in asked)))
    words = ["repscope", "validate", "-m", ",".join(results)]
    words += ["--check", ",".join(asked)] if given else []
    words += ["--picture", str(picture)] if picture is not None else []
    provenance = {
        "analysis": "validate",
        "command": shlex.join(words),
        "options": {"checks": asked, "picture": None if picture is None else str(picture)},
        "encoders": sources,
        "verdicts": counts,
        "findings": {
            name: [{"check": check.name, **asdict(each)} for check, told in found for each in told]
            for name, found in results.items()
        },
        **surroundings(),
    }
    some = ", ".join(list(results)[:4]) + (f" and {len(results) - 4} more" if len(results) > 4 else "")
    return Report(f"Validation of {some}", tuple(blocks), provenance)


def _counted(found: Found) -> dict[str, int]:
    verdicts = [each.verdict for _, told in found for each in told]
    return {verdict: verdicts.count(verdict) for verdict in WORDS}


def _summed(name: str, counts: dict[str, int], found: Found) -> Note:
    """One encoder in a sentence."""
    failed = [check.name for check, told in found if any(each.verdict == "failed" for each in told)]
    told = f"{name}: {counts['verified']} verified now, {counts['failed']} failed, "
    told += f"{counts['unchecked']} could not be checked."
    if failed:
        return Note(f"{told} Failed: {', '.join(failed)}. Do not trust it before that is understood.", "warning")
    if not counts["verified"]:
        return Note(f"{told} Nothing is known of it.", "warning")
    weighed = [each.verdict for check, told in found if check.name in WEIGHED for each in told]
    if weighed and "verified" not in weighed:
        return Note(f"{told} Its weights were not seen: what was verified is its contract.", "warning")
    if any(each.said.startswith(NOT_PUBLISHED) for _, all_ in found for each in all_):
        return Note(f"{told} These are not the published weights, whatever else is as it should be.", "warning")
    return Note(f"{told} All that could be checked is as it should be.", "finding")


def _tables(name: str, found: Found) -> Iterator[Block]:
    """A table per verdict, a row per finding."""
    rows = [(check, each) for check, told in found for each in told]
    for verdict, title in WORDS.items():
        if held := [row for row in rows if row[1].verdict == verdict]:
            yield _table(f"{name}: {title}", verdict, held)


def _overview(results: dict[str, Found]) -> Table:
    """How many of each verdict, a row per check and a column per encoder."""
    checked = next(iter(results.values()))
    rows = (
        (check.name, *(_told([each.verdict for each in found[row][1]]) for found in results.values()))
        for row, (check, _) in enumerate(checked)
    )
    caption = f"How many were {', '.join(WORDS.values())}."
    return Table("Verdicts", ("", *results), tuple(rows), caption)


def _told(verdicts: list[str]) -> str:
    """The counts in the order of WORDS: "1 FAILED, 2 not, 5 verified"."""
    said = {"failed": "FAILED", "unchecked": "not checked", "verified": "verified"}
    return ", ".join(f"{verdicts.count(each)} {word}" for each, word in said.items() if each in verdicts)


def _sources(results: dict[str, Found]) -> Iterator[Table]:
    """Where what was wanted comes from, once for all encoders."""
    sources: dict[str, list[str]] = {}
    for found in results.values():
        for each in (each for _, told in found for each in told if each.source):
            abouts = sources.setdefault(each.source, [])
            abouts += [] if each.about in abouts else [each.about]
    if sources:
        listed = tuple((source, "; ".join(abouts)) for source, abouts in sources.items())
        yield Table("Sources", ("source", "of what was wanted"), listed)


def _table(title: str, verdict: str, held: list[tuple[Check, Finding]]) -> Table:
    if verdict == "unchecked":
        return Table(title, ("check", "what", "because"), tuple((c.name, each.about, each.said) for c, each in held))
    numbers = any(each.measured is not None for _, each in held)
    header = ("check", "what was found", "measured") if numbers else ("check", "what was found")
    return Table(title, header, tuple(_row(*row)[: len(header)] for row in held))


def _row(check: Check, finding: Finding) -> tuple[Cell, ...]:
    bars = (("at most", finding.at_most), ("at least", finding.at_least))
    told = [f"{how} {bar:g} {finding.unit}".rstrip() for how, bar in bars if bar]
    bar = f" ({', '.join(told)})" if told else ""
    measured: Cell = "" if finding.measured is None else Number("measured", finding.measured, definition=MEASURED)
    return check.name, f"{finding.about}: {finding.said}{bar}", measured
