"""Packed: a transformer made ready for looking, its weights laid out once as the processor wants them.

oneDNN multiplies faster than torch's own product where its weights lie in blocks, and applies a GELU on the way. What
does that is not public in torch: it is tried first, and where it is missing or wrong the same layer runs through
torch's own product, in float32 of what was rounded where a processor has no other that is fast.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear

from repscope.encoders.contract import Precision
from repscope.encoders.vit.model import ACTIVATION, ViT
from repscope.encoders.vit.ready import Ready

FUSED = {"gelu": "none", "gelu-tanh": "tanh"}
"""Activations that oneDNN applies while it multiplies, and its word for how."""


class Packed(nn.Module):
    """A linear layer that is not trained, and the activation after it where one is named.

    What goes in is rounded to the layer's type, and so is what comes out; sums are float32. Gradients with respect to
    what goes in are right, and slow. `state_dict` has the weights as a linear layer has them.
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: "nn.Linear | Layer", dtype: torch.dtype, activation: str = ""):
        super().__init__()
        self.activation = activation
        self.weight = _fixed(_in_blocks(layer.weight.detach().to(dtype)))
        self.bias = None if layer.bias is None else _fixed(layer.bias.detach().to(dtype, copy=True))

    def forward(self, x: Tensor) -> Tensor:
        x, after = x.to(self.weight.dtype), self.activation
        if self.weight.is_mkldnn and not (x.requires_grad and torch.is_grad_enabled()):
            fused = ("gelu", [], FUSED[after]) if after else ("none", [], "")
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, *fused)
        weight, bias, dtype = self.weight.to_dense(), self.bias, self.weight.dtype
        if not weight.is_cuda:  # torch's own product of bfloat16 is a seventh as fast as one in float32
            x, weight, bias = x.float(), weight.float(), None if bias is None else bias.float()
        x = linear(x, weight, bias)
        return (ACTIVATION[after](x) if after else x).to(dtype)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[f"{prefix}weight"] = self.weight.detach().to_dense()

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles, which cannot hold blocks."""
        return self.__dict__ | {"_parameters": self._parameters | {"weight": _fixed(self.weight.to_dense())}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.weight = _fixed(_in_blocks(self.weight))


class Layer(NamedTuple):
    """What of a linear layer is packed."""

    weight: Tensor
    bias: Tensor | None


def packed(
    vit: ViT,
    precision: Precision,
    state: Mapping[str, Tensor] | None = None,
    release: Callable[[], None] = lambda: None,
) -> ViT:
    """The same transformer, changed in place for looking only; layer by layer, so that no two copies of it are held.

    In bfloat16 that is the type of the products in its blocks, attention included. The patch projection, what blocks
    add to, norms, positions and the softmax stay float32, whatever type the weights came in. Layer scales are
    multiplied into the layers they scale.

    Args:
        vit: Its own weights are not looked at where a state is given.
        state: The weights as `Ready` has them.
        release: Called after each block; gives back what of a file was read for it.
    """
    ready = Ready(vit.state_dict(), precision) if state is None else state
    activation = vit.architecture.activation

    def layer(name: str, after: str = "") -> Packed:
        kept = Layer(ready[f"{name}.weight"], ready.get(f"{name}.bias"))
        return Packed(kept, kept.weight.dtype, after)

    vit.patch = layer("patch")  # type: ignore[assignment]
    vit.__dict__["still"] = _still(vit, ready)  # beside the modules: its weights are those of `patch`
    for number, block in enumerate(vit.blocks):
        inside: Any = block
        attention, perceptron, name = inside.attention, inside.perceptron, f"blocks.{number}"
        attention.qkv, attention.output = layer(f"{name}.attention.qkv"), layer(f"{name}.attention.output")
        perceptron.inner = layer(f"{name}.perceptron.inner", activation if activation in FUSED else "")
        perceptron.activation = _same if activation in FUSED else perceptron.activation
        perceptron.outer = layer(f"{name}.perceptron.outer")
        inside.scale1 = inside.scale2 = None
        release()
    for name, module in vit.named_modules():
        if not isinstance(module, Packed):
            for own in dict(module.named_parameters(recurse=False)):
                # a copy even of float32: one view of a mapped file would keep all of it
                value = ready[f"{name}.{own}".removeprefix(".")].to(torch.float32, copy=True)
                setattr(module, own, _fixed(value))
    release()
    return vit.eval().requires_grad_(False)


def _still(vit: ViT, ready: Mapping[str, Tensor]) -> Packed | None:
    """The patch projection of a clip that does not move: of one frame, its weights summed over the tubelet's."""
    a = vit.architecture
    if a.tubelet == 1:
        return None
    weight = ready["patch.weight"].unflatten(1, (3, a.tubelet, a.patch**2)).double().sum(2).flatten(1)
    return Packed(Layer(weight.float(), ready.get("patch.bias")), torch.float32)


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
