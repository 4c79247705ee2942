"""Sparkline: a line of a curve as one row of characters."""

import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
SIGNS = "_.,-=+*#"  # the same eight steps where the terminal has ASCII only


def _scaled(value: float, low: float, high: float, log: bool) -> float | None:
    """Where a value lies between low (0) and high (1); None where the axis has no place for it."""
    if not math.isfinite(value) or (log and value <= 0):
        return None
    if log:
        value, low, high = math.log(value), math.log(low), math.log(high)
    return 0.5 if high == low else (value - low) / (high - low)


def places(x: Sequence[float], width: int, log: bool) -> list[int]:
    """Indices of the points nearest to `width` evenly spaced places of the axis; all of them where they fit."""
    usable = [i for i, value in enumerate(x) if _scaled(value, 1.0, 2.0, log) is not None]
    if len(usable) <= width:
        return usable
    low, high = min(x[i] for i in usable), max(x[i] for i in usable)
    shares = [(_scaled(x[i], low, high, log) or 0.0, i) for i in usable]
    return [min(shares, key=lambda share: abs(share[0] - place / (width - 1)))[1] for place in range(width)]


def extent(values: Sequence[float], log: bool) -> tuple[float, float] | None:
    """Smallest and largest value that the axis can show."""
    shown = [value for value in values if _scaled(value, 1.0, 2.0, log) is not None]
    return (min(shown), max(shown)) if shown else None


def sparkline(y: Sequence[float], low: float, high: float, log: bool = False, steps: str = BLOCKS) -> str:
    """One character per value, its height the value's place between low and high; a gap where there is none.

    >>> sparkline([0, 1, 2, 3], 0, 3)
    '▁▃▆█'
    """
    found = []
    for value in y:
        share = _scaled(value, low, high, log)
        found.append(" " if share is None else steps[round(min(max(share, 0.0), 1.0) * (len(steps) - 1))])
    return "".join(found)
