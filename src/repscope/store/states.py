"""States: accumulators as bytes of a safetensors file, and back; nothing in it is ever executed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.accumulators import Accumulator, CrossMoments, Histogram, Moments, Reservoir
from repscope.errors import UnfitData

KINDS: dict[str, type[Accumulator]] = {
    "moments": Moments,
    "cross": CrossMoments,
    "histogram": Histogram,
    "reservoir": Reservoir,
}

Key = tuple[str, str]
"""A kind of accumulator, and the column that it is of; of two sets both, with a bar between."""


def packed(states: Mapping[Key, Accumulator]) -> bytes:
    """The same states give the same bytes, in whatever order they come."""
    from safetensors.numpy import save

    arrays: dict[str, NDArray[Any]] = {}
    for (kind, of), accumulator in sorted(states.items()):
        for name, value in accumulator.state().items():
            arrays[f"{kind}|{name}|{of}"] = np.ascontiguousarray(value).reshape(np.shape(value))
    return save(arrays)


def unpacked(data: bytes, what: str) -> dict[Key, Accumulator]:
    """Raises UnfitData for bytes that are not those of accumulators."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    parts: dict[Key, dict[str, NDArray[Any]]] = {}
    try:
        for name, value in load(data).items():
            kind, field, of = name.split("|", 2)
            parts.setdefault((kind, of), {})[field] = value
        return {(kind, of): KINDS[kind].from_state(state) for (kind, of), state in parts.items()}
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise UnfitData(f"{what} holds no accumulators ({error}); embed the set again.") from None


def summed(one: Mapping[Key, Accumulator], other: Mapping[Key, Accumulator]) -> dict[Key, Accumulator]:
    """Both, key by key."""
    return {key: _sum(one.get(key), other.get(key)) for key in {**one, **other}}


def _sum(one: Accumulator | None, other: Accumulator | None) -> Accumulator:
    if one is None or other is None:
        kept = one or other
        assert kept is not None
        return kept
    return one + other
