"""Likeness: how alike two values, numbers or blocks of two reports are, and where they are least so."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.report import Look, Number
from repscope.report.points import Colouring, Map

ROUNDING = 1e-4
"""Relative difference up to which two values agree in all that is shown of them: three digits, and one to spare."""
NOTHING = 1e-6
"""Up to here a difference is rounding whatever the values: what should be 0 comes out as any small number."""
LEVELS = 8
"""Of 255 grey levels, in pictures."""
CODED = 0.02
"""Of a probe's similarities, whose tokens are rounded to 8 bits."""
INTERVAL = 0.1
FIGURES = re.compile(r"[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")


class Level(IntEnum):
    """From alike to not."""

    IDENTICAL = 0
    ROUNDING = 1
    TENTH = 2
    DIFFERS = 3


SAID = {
    Level.IDENTICAL: "identical",
    Level.ROUNDING: "the same to rounding",
    Level.TENTH: "within a tenth of its interval",
    Level.DIFFERS: "differs",
}


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike, and the part that is least so with both of its values."""

    level: Level
    part: str = ""
    then: Any = None
    now: Any = None


SAME = Likeness(Level.IDENTICAL)


def worst(found: Iterable[Likeness]) -> Likeness:
    """The least alike, the first of those; SAME of nothing."""
    return max(found, key=lambda each: each.level, default=SAME)


def near(then: float, now: float, width: float = 0.0) -> Level:
    """Of two values, of which one has an interval of this width.

    >>> near(1.0, 1.0).name, near(1.0, 1.00005).name, near(1.0, 1.01, width=0.2).name, near(1.0, 1.01).name
    ('IDENTICAL', 'ROUNDING', 'TENTH', 'DIFFERS')
    """
    if then == now or (math.isnan(then) and math.isnan(now)):
        return Level.IDENTICAL
    off, size = abs(then - now), max(abs(then), abs(now))
    if not math.isfinite(off):
        return Level.DIFFERS
    if off <= max(NOTHING, ROUNDING * size):
        return Level.ROUNDING
    return Level.TENTH if off <= INTERVAL * width else Level.DIFFERS


def alike(then: Any, now: Any, part: str = "", width: float = 0.0) -> Likeness:
    """Two parts of blocks; numbers in them are compared where they stand, by `numbers_alike`."""
    if isinstance(then, Number) and isinstance(now, Number):
        return SAME
    if isinstance(then, str) and isinstance(now, str):
        return _texts(then, now, part)
    if isinstance(then, np.ndarray) and isinstance(now, np.ndarray):
        return _arrays(then, now, part)
    if _numeric(then) and _numeric(now):
        one, other = (float(each) for each in (then, now))  # pyright: ignore[reportArgumentType]
        return Likeness(near(one, other, width), part, then, now)
    if type(then) is not type(now):
        return Likeness(Level.DIFFERS, part, then, now)
    if isinstance(then, Look):
        return _looks(then, now, part)
    if isinstance(then, Map | Colouring):
        packed = "places" if isinstance(then, Map) else "values"
        rest = (each.name for each in fields(then) if each.name != packed)
        return worst(
            [
                _floats(getattr(then, packed), getattr(now, packed), packed),
                *(alike(getattr(then, name), getattr(now, name), name) for name in rest),
            ]
        )
    if is_dataclass(then):
        return worst(alike(getattr(then, each.name), getattr(now, each.name), each.name) for each in fields(then))
    if isinstance(then, tuple | list):
        if len(then) != len(now):
            return Likeness(Level.DIFFERS, f"{part}, how many", str(len(then)), str(len(now)))
        return worst(alike(a, b, part) for a, b in zip(then, now, strict=True))
    return Likeness(Level.IDENTICAL if then == now else Level.DIFFERS, part, then, now)


def numbers_alike(then: Number, now: Number) -> Likeness:
    """Value, interval, null and what is said of them. The interval's width is the saved one's."""
    width = then.ci[1] - then.ci[0] if then.ci else 0.0
    parts = [
        alike(then.value, now.value, "value", width),
        *_ends(then.ci, now.ci, width),
        alike(then.null, now.null, "null"),
        *(alike(getattr(then, name), getattr(now, name), name) for name in ("label", "n", "of", "unit", "reason")),
        *(alike(getattr(then, name), getattr(now, name), name) for name in ("definition", "caveats")),
    ]
    return worst(parts)


def _ends(then: Any, now: Any, width: float) -> list[Likeness]:
    """Both ends of two intervals, by name; one that the other lacks as a whole."""
    if then is None or now is None:
        return [alike(then, now, "interval")]
    return [
        alike(a, b, f"interval, {end}", width) for a, b, end in zip(then, now, ("lower end", "upper end"), strict=True)
    ]


def skeleton(text: str) -> str:
    """A sentence without its figures.

    >>> skeleton("CKA 0.814 [0.803, 0.825]")
    'CKA # [#, #]'
    """
    return FIGURES.sub("#", text)


def _texts(then: str, now: str, part: str) -> Likeness:
    """Figures in a sentence have been cut to three digits: one more or less in the last is rounding."""
    if then == now:
        return SAME
    level = Level.DIFFERS
    if skeleton(then) == skeleton(now):
        pairs = zip(FIGURES.findall(then), FIGURES.findall(now), strict=True)
        if all(_cut(a, b) for a, b in pairs):
            level = Level.ROUNDING
    return Likeness(level, part, then, now)


def _cut(then: str, now: str) -> bool:
    """Whether both are the same but for one in the last digit, which may be the first of another length: 9.99, 10.0."""
    a, b = (float(each.replace(",", "").replace("−", "-")) for each in (then, now))
    if a == b:
        return True
    decimals = [len(each.partition("e")[0].partition(".")[2]) for each in (then, now)]
    near = abs(a - b) <= 1.01 * 10.0 ** -max(decimals) or abs(a - b) <= 0.0011 * abs(a)
    return min(decimals) > 0 and "e" not in then + now and near


def _arrays(then: NDArray[Any], now: NDArray[Any], part: str) -> Likeness:
    if then.shape != now.shape:
        return Likeness(Level.DIFFERS, f"{part}, shape", str(then.shape), str(now.shape))
    if then.dtype.kind == now.dtype.kind == "f":  # where both have no value they are alike
        none = np.isnan(then) & np.isnan(now)
        then, now = np.where(none, 0, then), np.where(none, 0, now)
    if np.array_equal(then, now):
        return SAME
    off = np.abs(then.astype(np.float64) - now.astype(np.float64))
    place = np.unravel_index(int(np.argmax(off)), off.shape)
    largest = float(off[place])
    bound = LEVELS if then.dtype == np.uint8 else max(NOTHING, ROUNDING * float(np.abs(then).max(initial=0.0)))
    level = Level.ROUNDING if largest <= bound else Level.DIFFERS  # of nan, which one alone has, too
    return Likeness(level, part, float(then[place]), float(now[place]))


def _looks(then: Look, now: Look, part: str) -> Likeness:
    """By what a probe shows, the similarities of patches: axes may turn, and zlib packs other codes otherwise."""
    if all(getattr(then, each.name) == getattr(now, each.name) for each in fields(Look)):
        return SAME
    if then.grid != now.grid:
        return Likeness(Level.DIFFERS, part, str(then.grid), str(now.grid))
    a, b = (each.tokens(0) for each in (then, now))
    one, other = a @ a.T, b @ b.T
    off, size = np.linalg.norm(one - other, axis=1), np.linalg.norm(one, axis=1)
    share = float(np.divide(off, size, out=np.where(off > 0, np.inf, 0.0), where=size > 0).max())
    similar = Level.ROUNDING if share <= CODED else Level.DIFFERS
    return worst(
        [
            Likeness(similar, "similarities of a patch, off by this share", 0.0, share),
            _arrays(then.pca, now.pca, "colours"),
            _floats(then.lengths, now.lengths, "lengths of tokens"),
            _floats(then.attention, now.attention, "attention"),
            alike(then.frame, now.frame, "frame"),
        ]
    )


def _floats(then: bytes, now: bytes, part: str) -> Likeness:
    """Packed numbers."""
    if len(then) != len(now):
        return Likeness(Level.DIFFERS, f"{part}, how many", str(len(then) // 4), str(len(now) // 4))
    return _arrays(np.frombuffer(then, "<f4"), np.frombuffer(now, "<f4"), part)


def _numeric(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
