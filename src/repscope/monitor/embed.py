"""Embed: one vector per image from a model in the middle of its training, which does not notice."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from repscope.errors import Unsupported

Pool = Callable[[Any], Tensor]


def embed(
    model: Callable[[Tensor], Any], images: Float[Tensor, "n 3 H W"], pool: Pool | None = None, batch: int = 256
) -> Float[NDArray[np.float64], "n D"]:
    """Embeddings of images, float64, a batch at a time, where the model is.

    Args:
        model: From images to (n, D), or to tokens (n, N, D), which are averaged.
        pool: From whatever else the model gives to (n, D).
        batch: Images in one forward pass.

    Raises Unsupported for an output that is neither.
    """
    place = _device(model)
    with torch.no_grad():
        parts = [
            _pooled(model(some if place is None else some.to(place)), len(some), pool) for some in images.split(batch)
        ]
    return np.concatenate(parts)


def _pooled(output: Any, count: int, pool: Pool | None) -> Float[NDArray[np.float64], "b D"]:
    x = output if pool is None else pool(output)
    if isinstance(x, Tensor) and x.ndim == 3 and pool is None:
        x = x.float().mean(1)
    if not isinstance(x, Tensor) or x.ndim != 2 or len(x) != count or not x.is_floating_point():
        got = f"a {x.dtype} tensor of {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise Unsupported(
            f"The monitor wants embeddings ({count}, D) or tokens ({count}, N, D) of {count} images; "
            f"{'the model' if pool is None else 'pool'} gave {got}. Give `pool`, a function from what the model gives "
            "to (n, D), or observe a function of images that returns it."
        )
    return x.detach().cpu().double().numpy()


def _module(model: Any) -> nn.Module | None:
    """The network that is called, where it can be seen: itself, or whose method it is."""
    owner = model if isinstance(model, nn.Module) else getattr(model, "__self__", None)
    return owner if isinstance(owner, nn.Module) else None


def _device(model: Any) -> torch.device | None:
    module = _module(model)
    held = None if module is None else next((t for ts in (module.parameters(), module.buffers()) for t in ts), None)
    return None if held is None else held.device


@contextmanager
def undisturbed(model: Any, seed: int) -> Iterator[None]:
    """The model in evaluation mode and all chance seeded; both as they were, afterwards."""
    module = _module(model)
    modes = {} if module is None else {each: each.training for each in module.modules()}
    chance = random.getstate(), np.random.get_state(), torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    apple = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    try:
        if module is not None:
            module.eval()
        random.seed(seed)
        np.random.seed(seed)
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed: it would seed devices still to be woken
        if devices is not None:
            torch.cuda.manual_seed_all(seed)
        if apple is not None:
            torch.mps.manual_seed(seed)
        yield
    finally:
        for each, mode in modes.items():
            each.training = mode
        random.setstate(chance[0])
        np.random.set_state(chance[1])
        torch.set_rng_state(chance[2])
        if devices is not None:
            torch.cuda.set_rng_state_all(devices)
        if apple is not None:
            torch.mps.set_rng_state(apple)
