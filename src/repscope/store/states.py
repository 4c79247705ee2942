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

    return save(flat(states))


def unpacked(data: bytes, what: str) -> dict[Key, Accumulator]:
    """Raises UnfitData for bytes that are not those of accumulators."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return built(load(data))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise UnfitData(f"{what} holds no accumulators ({error}); embed the set again.") from None


def flat(states: Mapping[Key, Accumulator]) -> dict[str, NDArray[Any]]:
    """Every field of every accumulator by a name of its own, in one order."""
    arrays: dict[str, NDArray[Any]] = {}
    for (kind, of), accumulator in sorted(states.items()):
        for name, value in accumulator.state().items():
            arrays[f"{kind}|{name}|{of}"] = np.ascontiguousarray(value).reshape(np.shape(value))
    return arrays


def built(arrays: Mapping[str, NDArray[Any]]) -> dict[Key, Accumulator]:
    """The accumulators whose fields these are."""
    parts: dict[Key, dict[str, NDArray[Any]]] = {}
    for name, value in arrays.items():
        kind, field, of = name.split("|", 2)
        parts.setdefault((kind, of), {})[field] = value
    return {(kind, of): KINDS[kind].from_state(state) for (kind, of), state in parts.items()}


def summed(one: Mapping[Key, Accumulator], other: Mapping[Key, Accumulator]) -> dict[Key, Accumulator]:
    """Both, key by key."""
    return {key: _sum(one.get(key), other.get(key)) for key in {**one, **other}}


def _sum(one: Accumulator | None, other: Accumulator | None) -> Accumulator:
    if one is None or other is None:
        kept = one or other
        assert kept is not None
        return kept
    return one + other
