"""Wording: what stands beside a number, said the same in every medium; and names made safe to print."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from repscope.report import Block, Cell, Line, Note, Null, Number, Overlay, Report, say, spread

ASCII = {
    **dict.fromkeys("–—−‐‑", "-"),
    **dict.fromkeys("‘’‚", "'"),
    **dict.fromkeys("“”„«»", '"'),
    **{"×": "x", "·": "*", "•": "*", "…": "...", "→": "->", "≥": ">=", "≤": "<=", "≠": "!=", "≈": "~"},
    **{"±": "+/-", "√": "sqrt", "∞": "inf", "‖": "||", "²": "^2", "³": "^3", "µ": "u", "°": " deg", "∈": " in "},
    **{"Σ": "sum", "∑": "sum", "λ": "lambda", "ρ": "rho", "σ": "sigma", "π": "pi", "α": "alpha", "β": "beta"},
}
JOINERS = "\u200c\u200d"  # invisible, harmless, and part of how Persian and emoji are written


def legible(text: str) -> str:
    """One line in which nothing is hidden: control characters, direction overrides and broken bytes as escapes.

    A photo's name is a stranger's text; printed raw it could move a terminal's cursor.

    >>> legible("a\\x1b[2Jb"), legible("two\\nlines")
    ('a\\\\x1b[2Jb', 'two lines')
    """
    if text.isascii() and text.isprintable():  # nearly always; packed numbers are megabytes of it
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\t\n\r\v\f":
        return " "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in JOINERS:
        return character.encode("unicode_escape", "surrogatepass").decode()
    return character


def ascii_only(text: str) -> str:
    """The same in ASCII: accents dropped, symbols spelled, everything else as an escape that loses nothing.

    >>> ascii_only("Š ≥ 0.5 – 猫")
    'S >= 0.5 - \\\\u732b'
    """
    return "".join(_spelled(character) for character in text)


def _spelled(character: str) -> str:
    if character.isascii():
        return character
    if character in ASCII:
        return ASCII[character]
    bare = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return bare or character.encode("unicode_escape", "surrogatepass").decode()


def measured(number: Number) -> str:
    """Value, interval and unit: "0.412 [0.390, 0.430] bits"."""
    return f"{spread(number)} {number.unit}".rstrip()


def halves(number: Number) -> tuple[str, str]:
    """Value with its unit, and its interval, apart: ("0.412 bits", "[0.390, 0.430]")."""
    value, bracket, interval = spread(number).partition(" [")
    return f"{value} {number.unit}".rstrip(), bracket.strip() + interval


def point(line: Line, i: int) -> Number:
    """One place of a curve's line, with its band as the interval."""
    band = (line.low[i], line.high[i]) if line.low and line.high else None
    return Number(line.label, line.y[i], band)


def counted(number: Number) -> str:
    """How many things it is a value of: "256 patches"; empty where that is not known."""
    return "" if number.n is None else f"n = {number.n:,} {number.of}".rstrip()


def drawn(null: Null | None) -> str:
    """How a null was drawn, after `against`: "torus shifts, 999 draws"."""
    if null is None or null.p is None:
        return ""
    return f"{null.kind}, {null.draws:,} draws" if null.draws else f"{null.kind}, exact"


def explained(null: Null) -> str:
    """A null in full: how it was drawn, where it lies, and what it says of the value."""
    how = f"{null.draws:,} draws" if null.draws else "exact"
    parts = [f"{null.kind} ({how}): mean {say(null.mean)}", f"{5 if null.lower else 95} % point {say(null.q95)}"]
    if null.p is not None:
        parts.append(f"p = {say(null.p)}" + ("" if null.exceeded else ", not past its null"))
    if null.calibrated is not None:
        parts.append(f"calibrated {say(null.calibrated)}")
    if null.chance is not None:
        parts.append(f"chance {say(null.chance)}")
    return "; ".join(parts) + "."


def remarks(number: Number) -> tuple[str, ...]:
    """What must be said beside a value: why there is none, and when it misleads."""
    return ((number.reason,) if number.reason else ()) + number.caveats


def remarked(report: Report) -> dict[str, list[str]]:
    """Remark -> labels of the numbers it is about, once each, in reading order."""
    found: dict[str, dict[str, None]] = {}
    for number in report.numbers():
        for remark in remarks(number):
            found.setdefault(remark, {})[number.label] = None
    return {remark: [*labels] for remark, labels in found.items()}


def definitions(report: Report) -> dict[str, str]:
    """Label -> definition, once each, in reading order."""
    found: dict[str, str] = {}
    for number in report.numbers():
        if number.definition:
            found.setdefault(number.label, number.definition)
    return found


def runs(blocks: tuple[Block, ...]) -> list[list[Block]]:
    """Neighbouring numbers, notes, and maps over photos, together; every other block alone."""
    found: list[list[Block]] = []
    for block in blocks:
        alike = found and type(found[-1][-1]) is type(block)
        if alike and isinstance(block, Number | Note | Overlay):
            found[-1].append(block)
        else:
            found.append([block])
    return found


def counted_once(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str | None:
    """What the numbers of a table, or of each of its columns, say alike of their n; None where that differs."""
    said: dict[int, set[str]] = {}
    for row in rows:
        for column, cell in enumerate(row):
            if isinstance(cell, Number) and cell.value is not None:
                said.setdefault(column, set()).add(counted(cell))
    if any(len(each) > 1 for each in said.values()):
        return None
    alike = {column: each.pop() for column, each in said.items()}
    if len({*alike.values()}) <= 1:
        return next(iter(alike.values()), "")
    return "; ".join(f"{header[column]}: {each}" for column, each in alike.items() if each)


def unit_once(row: Sequence[Cell]) -> Sequence[Cell]:
    """A unit that all numbers of a row share, beside the row's name instead of behind every value."""
    label, *cells = row
    units = [cell.unit for cell in cells if isinstance(cell, Number)]
    alike = len({*units}) == 1 and all(units) and len(units) >= min(2, len(cells))
    if not alike or not isinstance(label, str) or not label:
        return row
    return [
        f"{label}, {units.pop()}",
        *(replace(cell, unit="") if isinstance(cell, Number) else cell for cell in cells),
    ]
