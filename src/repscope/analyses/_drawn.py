"""Drawn: an encoder of a published shape whose weights are drawn at random: as fast as the real one, and blind."""

import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, final

from repscope.encoders import Contract, available
from repscope.encoders.contract import Precision
from repscope.errors import UnknownName

if TYPE_CHECKING:
    from torch import Tensor

    from repscope.encoders.transformer import Transformer


@final
class _Drawn(Mapping[str, "Tensor"]):
    """Weights by name, each drawn when it is asked for, the same each time."""

    def __init__(self, shapes: Mapping[str, "Tensor"]):
        self.shapes = shapes

    def __getitem__(self, name: str) -> "Tensor":
        import torch

        draws = torch.Generator().manual_seed(zlib.crc32(name.encode()))
        around = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        return torch.empty(self.shapes[name].shape).normal_(around, 0.02, generator=draws)

    def __iter__(self) -> Iterator[str]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)


def contract_of(name: str) -> Contract:
    """The contract of a published encoder; raises UnknownName."""
    if name not in available():
        raise UnknownName("encoder", name, available(), "models")
    return available()[name]


def drawn(name: str, precision: Precision) -> "Transformer":
    """An encoder of this shape; nothing is read or fetched."""
    import torch

    from repscope.encoders.transformer import Transformer
    from repscope.encoders.vit.model import ViT
    from repscope.encoders.vit.packed import packed
    from repscope.encoders.vit.ready import Ready

    contract = contract_of(name)
    with torch.device("meta"):
        vit = ViT(contract.architecture)
    packed(vit, precision, Ready(_Drawn(vit.state_dict()), precision))
    return Transformer(contract, vit, lambda: "drawn at random", precision)
