"""Keys: a checkpoint's names and shapes become ours, and what does not fit is named."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

import torch
from torch import Tensor

from repscope.encoders.family import LEFT_OUT, Family
from repscope.errors import UnfitCheckpoint

FUSED = {
    "attention.qkv": ("attention.query", "attention.key", "attention.value"),
    "perceptron.inner": ("perceptron.gate", "perceptron.up"),
}
PART = re.compile(r"\.(attention\.(query|key|value)|perceptron\.(gate|up))\.")
"""A projection that was not fused because its fellows are missing: they are named, it is not."""


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(template).replace(r"\#", r"(\d+)").replace(r"\*", "(.+)"))


def _filled(template: str, values: Iterable[str]) -> str:
    rest = iter(values)
    return re.sub("[#*]", lambda _: next(rest), template)


def translated(key: str, keys: Mapping[str, str]) -> str | None:
    """A key by another's rules: "" for one that is left out, None for one that no rule knows.

    >>> translated("encoder.layer.7.norm1.bias", {"encoder.layer.#.norm1.*": "blocks.#.norm1.*"})
    'blocks.7.norm1.bias'
    """
    for theirs, ours in keys.items():
        if found := _pattern(theirs).fullmatch(key):
            return _filled(ours, found.groups())
    return None


def _stripped(key: str, prefixes: tuple[str, ...]) -> str:
    for prefix in prefixes:
        key = key.removeprefix(prefix)
    return key


def _whole(name: str, value: Tensor) -> Tensor:
    """A tensor in our shape: convolutions as matrices, tokens without the axes of a batch."""
    if name == "patch.weight":
        return value.flatten(1)
    if name == "cls":
        return value.flatten()
    if name in ("position", "registers") and value.ndim == 3 and len(value) == 1:
        return value[0]
    return value


def _fuse(weights: dict[str, Tensor], family: Family) -> None:
    """Put separate projections into the one they share, wherever all of them are there."""
    for name in [n for n in weights if n.endswith("attention.query.bias") or ".perceptron.up." in n]:
        key, gate = name.replace(".query.", ".key."), name.replace(".up.", ".gate.")
        if family.without_key_bias and key != name:
            weights.setdefault(key, torch.zeros_like(weights[name]))
        if gate != name and gate not in weights:  # the same name, but nothing gates it
            weights[name.replace(".up.", ".inner.")] = weights.pop(name)
    for whole, parts in FUSED.items():
        for name in [n for n in weights if f".{parts[0]}." in n]:
            named = [name.replace(parts[0], part) for part in parts]
            if all(n in weights for n in named):
                weights[name.replace(parts[0], whole)] = torch.cat([weights.pop(n) for n in named])


def _named(weights: Mapping[str, Tensor], family: Family) -> tuple[dict[str, Tensor], list[str]]:
    """Tensors by our names, and the keys that no rule of the family knows."""
    ours: dict[str, Tensor] = {}
    unexpected: list[str] = []
    for key, value in weights.items():
        name = translated(_stripped(key, family.prefixes), family.keys)
        if name is None:
            unexpected.append(key)
        elif name != LEFT_OUT and value.numel():  # zero registers are saved as an empty tensor
            ours[name] = _whole(name, value)
    return ours, unexpected


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


def _theirs(name: str, family: Family, weights: Mapping[str, Tensor]) -> list[str]:
    """What the checkpoint would have called a weight of ours."""
    back = {ours: theirs for theirs, ours in family.keys.items() if ours != LEFT_OUT}
    for whole, parts in FUSED.items():
        if f".{whole}." in name and translated(name, back) is None:
            split = [name.replace(whole, part) for part in parts]
            return [translated(n, back) or n for n in split if n not in weights]
    return [translated(name, back) or name]


def arranged(
    weights: Mapping[str, Tensor], family: Family, wanted: Mapping[str, tuple[int, ...]], source: str
) -> dict[str, Tensor]:
    """A checkpoint's tensors by our names and in our shapes.

    Args:
        wanted: Our names and shapes, as the contract's architecture has them.
        source: Where the checkpoint is, for messages.

    Raises:
        UnfitCheckpoint: names the missing, the unexpected and the misshapen keys.
    """
    ours, unexpected = _named(weights, family)
    try:
        _fuse(ours, family)
        if family.amend:
            family.amend(ours)
    except RuntimeError as error:  # projections whose shapes do not go together
        raise UnfitCheckpoint(f"{source} is no {family.title} checkpoint: {error}") from None
    missing = [theirs for name in wanted.keys() - ours.keys() for theirs in _theirs(name, family, ours)]
    unexpected += [name for name in ours.keys() - wanted.keys() if not PART.search(name)]
    misshapen = [
        f"{name} {list(ours[name].shape)}, wanted {list(shape)}"
        for name, shape in wanted.items()
        if name in ours and ours[name].shape != shape
    ]
    wrong = {"missing": sorted(missing), "unexpected": sorted(unexpected), "of another shape": misshapen}
    if any(wrong.values()):
        told = "; ".join(f"{what}: {_some(names)}" for what, names in wrong.items() if names)
        raise UnfitCheckpoint(
            f"{source} does not fit the {family.title} encoder it should hold. {told}. "
            "Check that the weights and the config.json beside them belong together."
        )
    return {name: ours[name] for name in wanted}
