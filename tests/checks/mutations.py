"""Mutations: one mistake each, made in our reading of an encoder or in its file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree
from typing import Any

import torch
from oracle import Published
from safetensors.torch import load_file, save_file
from standing import Change, Changed, Standing, with_network
from torch import Tensor

from repscope.checks import Subject
from repscope.encoders.load import trainable
from repscope.encoders.transformer import Transformer

REGISTERS, ROTARY, VIDEO, TABLE = "dinov2 with registers", "dinov3", "vjepa2", "dinov2, large native grid"


@dataclass(frozen=True)
class Mutation:
    """A mistake, and the checks that find it: these and, of those the table asks, no others.

    Attributes:
        name: What was done.
        case: The model it is done to, of `oracle.CASES`.
        make: The subject that has it, from the sound model and a folder to write into.
        caught_by: Names of checks.
    """

    name: str
    case: str
    make: Callable[[Published, Path], Subject]
    caught_by: tuple[str, ...]


def in_memory(change: Change, **options: Any) -> Callable[[Published, Path], Subject]:
    """A mistake of ours: the file is sound."""
    return lambda made, _: Standing(str(made.folder), change, **options)


def in_file(change: Callable[[dict[str, Tensor]], None]) -> Callable[[Published, Path], Subject]:
    """A mistake in the file: whoever reads it has it."""

    def make(made: Published, place: Path) -> Subject:
        folder = copytree(made.folder, place / "mutated")
        weights = {key: value.clone() for key, value in load_file(folder / "model.safetensors").items()}
        change(weights)
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return Subject(str(folder))

    return make


def sequences(change: Callable[[Transformer, Tensor], Tensor]) -> Change:
    """What the network says, changed."""
    return lambda e: with_network(e, Changed(e.network, sequence=lambda x: change(e, x)))


def pixels(change: Callable[[Tensor], Tensor]) -> Change:
    """What the network is shown, changed past the preprocessing."""
    return lambda e: with_network(e, Changed(e.network, pixels=change))


def architecture(**options: Any) -> Change:
    """The network takes its own shape for another one."""

    def change(encoder: Transformer) -> Transformer:
        encoder.network.architecture = replace(encoder.network.architecture, **options)
        return encoder

    return change


def modules(change: Callable[[Any], None]) -> Change:
    """The network's own parts, changed in place."""

    def made(encoder: Transformer) -> Transformer:
        change(encoder.network)
        return encoder

    return made


def weight(value: Callable[[Tensor], Tensor], find: Callable[[Any], Any]) -> Change:
    """One of the network's packed weights, laid out anew."""

    def change(network: Any) -> None:
        layer = find(network)
        dtype = layer.weight.dtype
        laid = value(layer.weight.to_dense() if layer.weight.is_mkldnn else layer.weight)
        layer.weight = torch.nn.Parameter(laid.to(dtype).contiguous(), requires_grad=False)
        if hasattr(layer, "activation"):  # torch's own product takes it as it lies
            layer.forward = lambda x: _product(layer, x)

    return modules(change)


def _product(layer: Any, x: Tensor) -> Tensor:
    from repscope.encoders.vit.model import ACTIVATION

    x = torch.nn.functional.linear(x.to(layer.weight.dtype), layer.weight, layer.bias)
    return ACTIVATION[layer.activation](x) if layer.activation else x


def swapped(value: Tensor) -> Tensor:
    """Queries for keys."""
    query, key, values = value.chunk(3)
    return torch.cat([key, query, values])


def zeroed_keys(value: Tensor) -> Tensor:
    query, key, values = value.chunk(3)
    return torch.cat([query, torch.zeros_like(key), values])


def spoilt(value: Tensor) -> Tensor:
    made = value.clone()
    made[3, 5] = torch.nan
    return made


def exchanged_blocks(network: Any) -> None:
    network.blocks[0], network.blocks[1] = network.blocks[1], network.blocks[0]


def exchanged_norms(network: Any) -> None:
    block = network.blocks[1]
    block.norm1, block.norm2 = block.norm2, block.norm1


def lost_scale(encoder: Transformer) -> Transformer:
    """Read anew: in what is packed the scales are in the layers that they scale."""
    plain: Any = trainable(encoder.contract.name)
    for block in plain.network.blocks:
        block.scale1 = block.scale2 = None
    return with_network(encoder, plain.network)


def idle(network: Any) -> None:
    network.blocks[1].forward = lambda x, _: x


def wrong_epsilon(network: Any) -> None:
    """DINOv3's for DINOv2's 1e-6."""
    for module in network.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-5


def no_final_norm(network: Any) -> None:
    network.norm = None


def other_activation(network: Any) -> None:
    for block in network.blocks:
        block.perceptron.inner.activation = "gelu-tanh"


def by_patch(change: Callable[[Tensor], Tensor]) -> Change:
    """The grid (B, H, W, D) of patches, changed behind its CLS and registers."""

    def changed(encoder: Transformer, x: Tensor) -> Tensor:
        prefix, (rows, columns) = encoder.contract.architecture.prefix, encoder.contract.grid
        grid = change(x[:, prefix:].unflatten(1, (rows, columns)))
        return torch.cat([x[:, :prefix], grid.flatten(1, 2)], 1)

    return sequences(changed)


def shuffled(grid: Tensor) -> Tensor:
    order = torch.randperm(grid.shape[1] * grid.shape[2], generator=torch.Generator().manual_seed(0))
    return grid.flatten(1, 2)[:, order].unflatten(1, grid.shape[1:3])


def registers_last(_: Transformer, x: Tensor) -> Tensor:
    return torch.cat([x[:, :1], x[:, 5:], x[:, 1:5]], 1)


def registers_dropped(encoder: Transformer) -> Transformer:
    contract = replace(encoder.contract, architecture=replace(encoder.contract.architecture, registers=0))
    network = Changed(encoder.network, sequence=lambda x: torch.cat([x[:, :1], x[:, 5:]], 1))
    return Transformer(contract, network, str)


def two_frames(encoder: Transformer) -> Transformer:
    return Transformer(replace(encoder.contract, frames=2), encoder.network, str)


def one_layer_early(encoder: Transformer) -> Transformer:
    class Early(Changed):
        def __call__(self, pixels: Tensor, layers: Sequence[int]) -> list[Tensor]:
            return self.network(pixels, [encoder.contract.architecture.depth if k < 0 else k for k in layers])

    return with_network(encoder, Early(encoder.network))


def leaking(_: Transformer, x: Tensor) -> Tensor:
    """A norm over the batch in place of one over each token."""
    return x - 0.01 * x.mean(0, keepdim=True)


def constant(_: Transformer, x: Tensor) -> Tensor:
    """A large constant, a small part for the place, and almost nothing of the picture."""
    draws = torch.Generator().manual_seed(0)
    fixed = torch.randn(x.shape[-1], generator=draws)
    placed = 0.2 * torch.randn(x.shape[1:], generator=draws)
    return fixed + placed + 0.05 * x


def blind(weights: dict[str, Tensor]) -> None:
    """The same in the file: what the patches hold is lost beside their positions and biases."""
    for key in weights:
        if "patch_embeddings" in key and key.endswith("weight"):
            weights[key] *= 0.01


def exchanged_keys(weights: dict[str, Tensor]) -> None:
    """Queries for keys in the file: two tensors of one shape."""
    for query in [key for key in weights if ".query." in key]:
        key = query.replace(".query.", ".key.")
        weights[query], weights[key] = weights[key], weights[query]


QUERY = "encoder.layer.1.attention.attention.query.weight"


def not_a_number(weights: dict[str, Tensor]) -> None:
    weights[QUERY][3, 5] = torch.nan


def zeros(weights: dict[str, Tensor]) -> None:
    weights[QUERY].zero_()


def negated(weights: dict[str, Tensor]) -> None:
    weights[QUERY].neg_()


def lost(weights: dict[str, Tensor]) -> None:
    del weights[QUERY]


def misshapen(weights: dict[str, Tensor]) -> None:
    weights[QUERY] = weights[QUERY][:, 1:].contiguous()


def doubled(weights: dict[str, Tensor]) -> None:
    weights[QUERY] = weights[QUERY].double()


def cut_short(made: Published, place: Path) -> Subject:
    """As an interrupted download leaves it."""
    folder = copytree(made.folder, place / "mutated")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    return Subject(str(folder))


def coarse(encoder: Transformer) -> Transformer:
    """A hundredth and more of each token is wrong: sums rounded as well as products."""
    return with_network(encoder, Changed(encoder.network, sequence=lambda x: x + 0.02 * x.roll(1, -1)))
