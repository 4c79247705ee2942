"""Packed: a transformer made ready for looking, its weights laid out once as the processor wants them.

oneDNN multiplies faster than torch's own product where its weights lie in blocks, and applies a GELU on the way. What
does that is not public in torch: it is tried first, and where it is missing or wrong the same layer runs through
torch's own product.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from repscope.encoders.contract import Precision
from repscope.encoders.vit.model import ACTIVATION, ViT

FUSED = {"gelu": "none", "gelu-tanh": "tanh"}
"""Activations that oneDNN applies while it multiplies, and its word for how."""


class Packed(nn.Module):
    """A linear layer that is not trained, and the activation after it where one is named.

    What goes in is rounded to the layer's type, and so is what comes out; sums are float32. Gradients with respect to
    what goes in are right, and slow. `state_dict` has the weights as a linear layer has them.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Linear, dtype: torch.dtype, activation: str = ""):
        super().__init__()
        self.activation = activation
        self.weight = _fixed(_in_blocks(layer.weight.detach().to(dtype)))
        self.bias = None if layer.bias is None else _fixed(layer.bias.detach().to(dtype, copy=True))

    def forward(self, x: Tensor) -> Tensor:
        x, after = x.to(self.weight.dtype), self.activation
        if self.weight.is_mkldnn and not (x.requires_grad and torch.is_grad_enabled()):
            fused = ("gelu", [], FUSED[after]) if after else ("none", [], "")
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, *fused)
        x = linear(x, self.weight.to_dense(), self.bias)
        return ACTIVATION[after](x) if after else x

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}weight"] = self.weight.detach().to_dense()

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles, which cannot hold blocks."""
        return self.__dict__ | {"_parameters": self._parameters | {"weight": _fixed(self.weight.to_dense())}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.weight = _fixed(_in_blocks(self.weight))


def packed(vit: ViT, precision: Precision) -> ViT:
    """The same transformer, changed in place for looking only; layer by layer, so that no two copies of it are held.

    In bfloat16 that is the type of the products in its blocks, attention included. The patch projection, what blocks
    add to, norms, positions and the softmax stay float32, whatever type the weights came in.
    """
    dtype, activation = getattr(torch, precision), vit.architecture.activation
    vit.patch = Packed(vit.patch, torch.float32)  # type: ignore[assignment]
    for block in vit.blocks:
        attention: Any = block.attention
        perceptron: Any = block.perceptron
        attention.qkv, attention.output = Packed(attention.qkv, dtype), Packed(attention.output, dtype)
        if activation in FUSED:
            perceptron.inner, perceptron.activation = Packed(perceptron.inner, dtype, activation), _same
        else:
            perceptron.inner = Packed(perceptron.inner, dtype)
        perceptron.outer = Packed(perceptron.outer, dtype)
    for module in vit.modules():
        if not isinstance(module, Packed):
            for parameter in module.parameters(recurse=False):
                # a copy even of float32: one view of a mapped file would keep all of it
                parameter.data = parameter.data.to(torch.float32, copy=True)
    return vit.eval().requires_grad_(False)


@cache
def packable(dtype: torch.dtype) -> bool:
    """Whether this machine's oneDNN takes weights of this type in blocks, tried on a small product."""
    if not torch.backends.mkldnn.is_available():
        return False
    draws = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(shape, generator=draws).to(dtype) for shape in ((5, 48), (32, 48), (32,)))
    weight = weight / 8  # products of about one
    try:
        blocks = torch.ops.mkldnn._reorder_linear_weight(weight)
        said = torch.ops.mkldnn._linear_pointwise(x, blocks, bias, "gelu", [], "none")
        kept = blocks.is_mkldnn and torch.equal(blocks.to_dense(), weight)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError):  # private, so it may change
        return False
    wanted = gelu(linear(x.double(), weight.double(), bias.double()))
    error = (said - wanted).abs() / (1 + wanted.abs())
    return kept and said.dtype == dtype and bool(error.max() <= 8 * torch.finfo(dtype).eps)


def _in_blocks(weight: Tensor) -> Tensor:
    """The weight in memory of its own, laid out for the processor where that can be done."""
    weight = weight.contiguous()
    return torch.ops.mkldnn._reorder_linear_weight(weight) if packable(weight.dtype) else weight.clone()


def _fixed(value: Tensor) -> nn.Parameter:
    return nn.Parameter(value, requires_grad=False)


def _same(x: Tensor) -> Tensor:
    return x
