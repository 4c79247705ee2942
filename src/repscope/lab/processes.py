"""Processes: one run on several, the same numbers as on one up to rounding.

`torchrun` says how many there are; each holds an equal part of every batch. Losses are averaged
over processes, so are gradients; statistics of a batch are taken over all of them by `gathered`.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Shaped
from torch import Tensor, distributed, nn

from repscope.errors import UnfitData


def count() -> int:
    """Processes of this run; 1 where it is alone."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def rank() -> int:
    """The place of this process, from 0."""
    return distributed.get_rank() if count() > 1 else 0


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """The group that `torchrun` set up for this process, left at the end; nothing where it did not."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # nccl knows no tensors outside its devices, and single numbers stay on the CPU
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def share(batch: int) -> slice:
    """The rows of a batch that this process holds; raises UnfitData where processes do not divide it."""
    if batch % count():
        raise UnfitData(f"A batch of {batch} does not divide among {count()} processes; choose a multiple of them.")
    part = batch // count()
    return slice(rank() * part, (rank() + 1) * part)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:  # noqa: ARG004
        parts = [torch.empty_like(x) for _ in range(count())]
        distributed.all_gather(parts, x.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: object, *changes: Tensor) -> Tensor:  # noqa: ARG004
        change = changes[0].clone(memory_format=torch.contiguous_format)  # autograd may hold this one for others too
        distributed.all_reduce(change)  # every process's loss saw these rows
        return change.chunk(count())[rank()]


def gathered(x: Shaped[Tensor, "B ..."]) -> Shaped[Tensor, "batch ..."]:
    """The rows of all processes, in their order; gradients find their way back."""
    return _Gather.apply(x) if count() > 1 else x  # pyright: ignore[reportReturnType]


def averaged(parameters: Iterable[nn.Parameter]) -> None:
    """Gradients become their mean over the processes."""
    if count() == 1:
        return
    changes = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([change.flatten() for change in changes])
    distributed.all_reduce(flat)
    for change, mean in zip(changes, (flat / count()).split([c.numel() for c in changes]), strict=True):
        change.copy_(mean.view_as(change))


def mean(value: float) -> float:
    """A number's mean over the processes."""
    if count() == 1:
        return value
    every = torch.tensor(value, dtype=torch.float64)
    distributed.all_reduce(every)
    return float(every) / count()


def wait() -> None:
    """Until every process is here."""
    if count() > 1:
        distributed.barrier()
