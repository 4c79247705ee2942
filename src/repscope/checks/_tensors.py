"""Tensors: weights that no training and no initialisation leaves behind."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

FUSED = {".attention.qkv.": ("queries", "keys", "values")}
TOKENS = ("cls", "registers", "position", "mask_token", "class_embedding")
"""May be all zero at first; what is a matrix, or scales, may not."""


def damaged(parameters: "Iterable[tuple[str, Tensor]]") -> tuple[list[str], int]:
    """What is wrong with which tensor, and how many there are; one is laid out at a time."""
    ill: list[str] = []
    count = 0
    for name, value in parameters:
        count += 1
        for part, values in _parts(name, value.to_dense() if value.is_mkldnn else value):
            if reason := _wrong(name, values):
                ill.append(f"{part} {reason}")
    return ill, count


def _parts(name: str, value: "Tensor") -> "Iterator[tuple[str, Tensor]]":
    """A fused projection's parts by themselves: one that is dead hides among the others."""
    for fused, parts in FUSED.items():
        if fused in name:
            yield from ((f"{name} ({part})", each) for part, each in zip(parts, value.chunk(len(parts)), strict=True))
            return
    yield name, value


def _wrong(name: str, value: "Tensor") -> str:
    import torch

    low, high = (end.item() for end in torch.aminmax(value))
    if not (abs(low) < torch.inf and abs(high) < torch.inf):  # nan, too, is not less than anything
        return "holds numbers that are not finite"
    if any(token in name for token in TOKENS):
        return ""
    if value.ndim > 1 and value.numel() > 1 and low == high:
        return f"is {low + 0.0:g} throughout"  # no -0
    if value.ndim == 1 and low == high == 0 and not name.endswith("bias"):
        return "is 0 throughout"
    return ""
