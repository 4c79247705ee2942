"""verify: is a saved report what its recipe gives when it is run again?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repscope.analyses._inputs import Input, inputs_of
from repscope.analyses._likeness import SAID, Level, Likeness, alike, numbers_alike, skeleton
from repscope.analyses._provenance import surroundings
from repscope.report import Block, Cell, Note, Number, Report, Table, say

LISTED = 100
"""Differences that are listed one by one; the rest are counted."""
LONGEST = 120

Key = tuple[str, str, str, int]
"""Block, row, column, and the how many-th of these."""


def verify(saved: Report, again: Report, ran: bool = True) -> Report:
    """What differs between a saved report and the same recipe run again: inputs first, then every number.

    A number is identical (every bit of value, interval and null), the same to rounding (1e-4 of its size, as another
    batch size or processor moves it), within a tenth of its interval, or differs. Sentences, curves, pictures and the
    probe are compared too. `provenance["beyond rounding"]` counts what is worse than rounding, with photos and
    encoders that are not those of the saved report; versions, machine and threads are told and not counted.

    Args:
        ran: Whether the second was run now; else it was saved, too.

    It says that the report can be had again. It does not say that the recipe measures what it claims to.
    """
    inputs = inputs_of(saved.provenance, again.provenance)
    numbers = _compared(_numbers(saved), _numbers(again))
    blocks = _compared(_blocks(saved), _blocks(again))
    skipped = _compared(_skipped(saved), _skipped(again))
    found = [*numbers, *blocks, *skipped]
    beyond = sum(each.likeness.level > Level.ROUNDING for each in found)
    beyond += sum(each.decides and not each.same for each in inputs)
    made: list[Block] = [
        _verdict(beyond, numbers, inputs),
        _inputs(inputs),
        _counts(numbers),
        *_listed("Numbers that differ", [each for each in numbers if each.likeness.level > Level.IDENTICAL]),
        *_listed("What else differs", [each for each in (*blocks, *skipped) if each.likeness.level > Level.IDENTICAL]),
    ]
    told = {"analysis": "verify", "command": "", "title": saved.title, "beyond rounding": beyond, **surroundings()}
    return Report(f"{'Run again' if ran else 'Two reports'}: {saved.title}", tuple(made), told)


class _Compared:
    """A number or block of both reports, or of one of them."""

    def __init__(self, key: Key, then: Any, now: Any):
        self.key, self.then, self.now = key, then, now
        if then is None or now is None:
            self.likeness = Likeness(Level.DIFFERS, "missing" if now is None else "new")
        elif isinstance(then, Number):
            self.likeness = numbers_alike(then, now)
        else:
            self.likeness = alike(then, now, key[0])


def _compared(then: Mapping[Key, Any], now: Mapping[Key, Any]) -> list[_Compared]:
    """In the order of the saved report; what is new comes last."""
    return [_Compared(key, then.get(key), now.get(key)) for key in (*then, *(key for key in now if key not in then))]


def _keyed(things: Iterator[tuple[str, str, str, Any]]) -> dict[Key, Any]:
    seen: Counter[tuple[str, str, str]] = Counter()
    found = {}
    for *where, thing in things:
        place = (where[0], where[1], where[2])
        found[*place, seen[place]] = thing
        seen[place] += 1
    return found


def _numbers(report: Report) -> dict[Key, Any]:
    return _keyed(report.placed())


def _blocks(report: Report) -> dict[Key, Any]:
    """Blocks but for their numbers; a sentence is known by its words, so that its figures can be compared."""

    def named() -> Iterator[tuple[str, str, str, Any]]:
        yield "title", "", "", report.title
        for block in report.blocks:
            kind = type(block).__name__.lower()
            if isinstance(block, Note):
                yield kind, skeleton(block.text), block.kind, block
            elif not isinstance(block, Number):
                yield kind, block.title, "", block

    return _keyed(named())


def _skipped(report: Report) -> dict[Key, Any]:
    return _keyed(("skipped", source, "", reason) for source, reason in report.skipped)


def _verdict(beyond: int, numbers: Sequence[_Compared], inputs: Sequence[Input]) -> Note:
    counts = Counter(each.likeness.level for each in numbers)
    told = f"{counts[Level.IDENTICAL]} of {len(numbers)} numbers are identical"
    told += f", {counts[Level.ROUNDING]} the same to rounding" if counts[Level.ROUNDING] else ""
    if not beyond:
        return Note(f"Nothing differs beyond rounding: {told}.", "finding")
    changed = [each.what for each in inputs if each.decides and not each.same]
    why = f" The inputs are not the same: {', '.join(changed[:6])}." if changed else ""
    count = f"{beyond} things differ" if beyond > 1 else "1 thing differs"
    return Note(f"{count} beyond rounding; {told}.{why}", "warning")


def _inputs(inputs: Sequence[Input]) -> Table | Note:
    same = sum(each.same for each in inputs)
    if same == len(inputs):
        return Note(f"All {same} inputs are the same: photos, encoders, options, versions and machine.")
    rows = tuple(
        (each.what, _cut(each.then), _cut(each.now), "it is another" if each.decides else "told, not counted")
        for each in inputs
        if not each.same
    )
    caption = f"{same} others are the same, of photos, encoders, options, versions and machine."
    return Table("Inputs that differ", ("input", "saved", "now", ""), rows, caption)


def _counts(numbers: Sequence[_Compared]) -> Table:
    counts = Counter(each.likeness.level for each in numbers if each.likeness.part not in ("missing", "new"))
    rows = [(SAID[level], str(counts[level])) for level in Level]
    rows += [(part, str(sum(each.likeness.part == part for each in numbers))) for part in ("missing", "new")]
    caption = (
        "Value, interval and null of each. To rounding: within 1e-4 of its size, or 1e-6. Missing: in the saved report "
        "alone; new: in the other."
    )
    return Table("Numbers", ("they are", "how many"), tuple(rows), caption)


def _listed(title: str, found: Sequence[_Compared]) -> list[Table]:
    if not found:
        return []
    worst = sorted(found, key=lambda each: -each.likeness.level)  # stable: the report's order within a level
    rows = tuple(_row(each) for each in worst[:LISTED])
    more = f"{len(found) - LISTED} more are not listed." if len(found) > LISTED else ""
    return [Table(title, ("where", "what", "saved", "now"), rows, more)]


def _row(each: _Compared) -> tuple[Cell, ...]:
    where, likeness = ", ".join(filter(None, each.key[:3])), each.likeness
    thing = each.then or each.now
    if isinstance(thing, Note):
        where = f"note: {thing.text}"
    if isinstance(thing, Number):
        then, now = _cell(each.then, likeness, likeness.then), _cell(each.now, likeness, likeness.now)
    else:
        then, now = _said(likeness.then), _said(likeness.now)
    how = "" if likeness.part in ("missing", "new") else f": {SAID[likeness.level]}"
    return _cut(where), f"{likeness.part}{how}", then, now


def _cell(number: Number | None, likeness: Likeness, part: Any) -> Cell:
    """The number that stands there, or the part of it that differs."""
    if number is None:
        return "–"
    known = number.value is not None
    if likeness.part in ("missing", "new") and known:
        return Number(number.label, number.value, number.ci, unit=number.unit)
    if likeness.part == "value" and known and say(likeness.then) != say(likeness.now):  # else all digits are wanted
        return Number(number.label, number.value, number.ci, unit=number.unit)
    return _said(part)


def _said(value: Any) -> Cell:
    """A part's value; to all its digits, for with three of them both may read the same."""
    if isinstance(value, float):
        return f"{value:.9g}"
    return "–" if value is None else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
