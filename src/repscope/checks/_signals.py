"""Signals: the numbers that were published of an output, and how far ours are from them."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Values = NDArray[np.float64]


def off(
    sequence: Float[NDArray[np.float32], "N D"], prefix: int, cls: bool, golden: Mapping[str, Any]
) -> tuple[float, float, str]:
    """(difference, tolerance, name) of the published number that is furthest off, by its own tolerance.

    Args:
        sequence: CLS, registers, patches.
        prefix: Tokens before the patches.
        golden: With `signals` and `tolerance`, and `tolerances` for those that have their own. `error` is "mean"
            where the mean absolute difference was published as the bound, in place of the largest.

    A number that is not there, since the sequence is too short or too narrow, is infinitely far off.
    """
    x = sequence.astype(np.float64)
    found = [each for signal in golden["signals"] for each in _differences(x, prefix, cls, signal)]
    own, tolerance, worst = golden.get("tolerances", {}), golden["tolerance"], (0.0, golden["tolerance"], "")
    for name, differences in found:
        allowed = own.get(name, tolerance)
        mean = golden.get("error") == "mean"
        value = float(differences.mean() if mean else differences.max()) if differences.size else np.inf
        value = value if np.isfinite(value) else np.inf
        if not worst[2] or value / allowed > worst[0] / worst[1]:
            worst = (value, allowed, name)
    return worst


def _differences(x: Values, prefix: int, cls: bool, signal: Mapping[str, Any]) -> Iterator[tuple[str, Values]]:
    if signal["kind"] == "slice":
        row, column = signal["at"]
        wanted = np.array(signal["values"])
        row = row % len(x)
        held = x[row : row + wanted.shape[0], column : column + wanted.shape[1]]
        yield f"tokens from {row}", _apart(held, wanted)
    elif signal["kind"] == "mean":
        wanted = np.array(signal["values"])
        yield "mean of tokens", _apart(x.mean(0)[: len(wanted)], wanted)
    elif signal["kind"] == "whole":
        first, last = signal["rows"]
        yield "mean", _apart(x[first:last].mean(), np.array(signal["mean"]))
        yield "deviation", _apart(x[first:last].std(), np.array(signal["std"]))
    else:
        yield from _signature(x[0] if cls else None, x[prefix:], signal)


def _signature(cls: Values | None, patches: Values, signal: Mapping[str, Any]) -> Iterator[tuple[str, Values]]:
    """Mean, deviation and root mean square of all patches, and eight samples of them spread in raster order."""
    found: dict[str, Any] = {
        "patch_mean": patches.mean(),
        "patch_std": patches.std(),
        "patch_rms": np.sqrt((patches**2).mean()),
        "patch_signature": sampled(patches),
    }
    if cls is not None:
        found |= {"cls_l2_norm": np.linalg.norm(cls), "cls_signature": sampled(cls)}
    for name, wanted in signal.items():
        if name != "kind":
            yield name, _apart(np.asarray(found.get(name, np.inf)), np.array(wanted))


def sampled(values: NDArray[Any], count: int = 8) -> NDArray[Any]:
    """Values i (n - 1) / (count - 1), rounded down, i = 0..count - 1, of the n in raster order.

    >>> sampled(np.arange(22)).tolist()
    [0, 3, 6, 9, 12, 15, 18, 21]
    """
    flat = values.ravel()
    return flat[[i * (flat.size - 1) // (count - 1) for i in range(count)]]


def _apart(held: NDArray[Any], wanted: NDArray[Any]) -> Values:
    return np.abs(held - wanted) if held.shape == wanted.shape else np.array([np.inf])
