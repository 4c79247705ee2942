"""From values per photo to numbers with interval, null and definition."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from repscope.errors import RepscopeError
from repscope.metrics import Card, Reading, Rows
from repscope.report import Null, Number
from repscope.statistics import interval

TRUSTED = 10
"""Photos from which on an interval is trusted to tell two means apart."""

Value = float | str
"""A value, or the reason why there is none."""


def valued(compute: Callable[..., float], *args: Any) -> Value:
    """What a measure says, or in its own words why it cannot."""
    try:
        value = float(compute(*args))
    except RepscopeError as error:
        return str(error)
    return value if np.isfinite(value) else "The result is not a finite number."


def read(rows: Rows, readings: Sequence[Reading]) -> dict[str, Value]:
    """Every reading of one photo's patches."""
    return {reading.name: valued(reading.of, rows) for reading in readings}


def narrow(count: int, of: str = "photos") -> tuple[str, ...]:
    """The caveat of an interval from few values; nothing where there are enough, or no interval."""
    return (f"an interval from {count} {of} is too narrow",) if 1 < count < TRUSTED else ()


def number(
    card: Card, values: Sequence[Value], shape: tuple[int, int], null: Null | None = None, of: str = "photos"
) -> Number:
    """The mean over photos; with one photo the value itself, which has no interval."""
    known = sorted(value for value in values if not isinstance(value, str))
    common: dict[str, Any] = {"label": card.title, "unit": card.unit, "definition": card.definition}
    if not known:
        reasons = [value for value in values if isinstance(value, str)]
        return Number(value=None, reason=reasons[0] if reasons else "No photo was left.", **common)
    caveats = list(card.caveats(*shape))
    if len(known) < len(values):
        caveats.append(f"undefined for {len(values) - len(known)} of {len(values)} {of}")
    caveats += narrow(len(known), of)
    return Number(
        value=float(np.mean(known)),
        ci=interval(known),
        null=null,
        n=len(known),
        of=of if len(known) > 1 else of.removesuffix("s"),
        caveats=tuple(caveats),
        **common,
    )


def separate(numbers: Mapping[str, Number]) -> tuple[str, str] | None:
    """The names of the smallest and the largest number, where their intervals do not touch; none without a width."""
    known = {name: number for name, number in numbers.items() if number.ci is not None and number.ci[0] < number.ci[1]}
    if len(known) < 2:
        return None
    least = min(known, key=lambda name: known[name].value or 0.0)
    most = max(known, key=lambda name: known[name].value or 0.0)
    low, high = known[least].ci, known[most].ci
    return (least, most) if low is not None and high is not None and low[1] < high[0] else None
