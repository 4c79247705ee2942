"""Ready: a transformer's weights as they are multiplied, made one at a time when they are asked for."""

import re
from collections.abc import Iterator, Mapping
from typing import final

import torch
from torch import Tensor

from repscope.encoders.contract import Precision

BLOCK_LAYER = re.compile(r"blocks\.\d+\.(attention\.(qkv|output)|perceptron\.(inner|outer))\.(weight|bias)")
SCALE = re.compile(r"blocks\.\d+\.scale[12]")
SCALED = {"attention.output": "scale1", "perceptron.outer": "scale2"}


@final
class Ready(Mapping[str, Tensor]):
    """A state by our names, each tensor in the type it is needed in, and layer scales multiplied into what they scale.

    Layers of blocks have the type of the precision, everything else is float32. A scaled layer is rounded once: after
    it was scaled. Nothing is kept: whoever asks twice waits twice.
    """

    def __init__(self, state: Mapping[str, Tensor], precision: Precision):
        self.state, self.dtype = state, getattr(torch, precision)

    def __getitem__(self, name: str) -> Tensor:
        value, scale = self.state[name], self._scale(name)
        if scale is not None:
            value = value.float() * (scale.float()[:, None] if value.ndim == 2 else scale.float())
        return value.to(self.type_of(name))

    def type_of(self, name: str) -> torch.dtype:
        """The type of a tensor, known without making it."""
        return self.dtype if BLOCK_LAYER.fullmatch(name) else torch.float32

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.state if not SCALE.fullmatch(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _scale(self, name: str) -> Tensor | None:
        block, _, rest = name.partition(".attention." if ".attention." in name else ".perceptron.")
        layer = name.removeprefix(f"{block}.").rpartition(".")[0]
        return self.state.get(f"{block}.{SCALED[layer]}") if rest and layer in SCALED else None
