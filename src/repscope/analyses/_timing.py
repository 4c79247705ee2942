"""Timing: the same work again and again, in turns, and what is made of the times."""

import statistics
import time
from collections.abc import Callable, Sequence

from repscope.report import Number

SIDE = 2048
"""Of the square matrices whose product is taken for what the machine can do."""
QUIET = 1.3
"""The slowest product may take so many times as long as the fastest; past it somebody else is at work."""


def took(work: Callable[[], object]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def product(precision: str) -> Callable[[], object]:
    """A product of two square matrices of a type, as torch multiplies them: SIDE^3 multiply-adds.

    Of float32 where this processor has no bfloat16: encoders multiply in it there what was rounded.
    """
    import torch

    from repscope.encoders.vit.packed import packable

    precision = precision if packable(getattr(torch, precision)) else "float32"
    one, other = (torch.randn(SIDE, SIDE).to(getattr(torch, precision)) for _ in range(2))
    torch.mm(one, other)  # what the first one sets up is not timed
    return lambda: torch.mm(one, other)


def number(
    label: str, values: Sequence[float], unit: str, definition: str, of: str = "rounds", why: str = ""
) -> Number:
    """The median of what was measured, between the least and the most; or why nothing was."""
    if not values:
        return Number(label, None, unit=unit, definition=definition, reason=why or "it was not measured")
    spread = (min(values), max(values)) if len(values) > 1 else None
    caveats = (f"the range is that of {len(values)} {of}: the least and the most",) if spread else ("measured once",)
    return Number(
        label,
        statistics.median(values),
        ci=spread,
        n=len(values),
        of=of,
        unit=unit,
        definition=definition,
        caveats=caveats,
    )


def busy(products: Sequence[float]) -> str:
    """A word for a machine that others used as well; empty for a quiet one."""
    if len(products) < 2 or max(products) <= QUIET * min(products):
        return ""
    return (
        f"The same matrix product took from {min(products):.3f} to {max(products):.3f} s: something else was at work "
        "on this machine. Measure again when it is quiet; shares and ratios hold better than seconds."
    )
