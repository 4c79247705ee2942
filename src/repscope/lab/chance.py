"""Chance: every random draw of one training step, a function of seed and step alone."""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor


def stream(seed: int, place: int) -> int:
    """Where a run's seed and a step (or an epoch) begin to draw: 32 bits, all that torch's generator reads.

    Streams of different seeds lie a golden section of all 2^32 apart, so no two runs of an
    experiment meet.

    >>> stream(0, 7), stream(1, 7)
    (7, 2654435768)
    """
    return (seed * 0x9E3779B1 + place) % 2**32


class Chance:
    """Draws for the images of a batch; a process that holds a part of it keeps its own rows.

    Every draw is made for the whole batch, so that two processes see together what one would have
    seen alone. Draws are made on the CPU: the same on every device.

    Args:
        seed: Of all that follows.
        count: Images of the whole batch.
        mine: The rows that this process holds; all where not given.

    >>> whole, second = Chance(0, 4), Chance(0, 4, slice(2, 4))
    >>> bool((whole.uniform(0, 1)[2:] == second.uniform(0, 1)).all())
    True
    """

    def __init__(self, seed: int, count: int, mine: slice = slice(None)):
        self.generator = torch.Generator().manual_seed(seed)
        self.count, self.rows = count, mine

    def mine(self, whole: Shaped[Tensor, "batch ..."]) -> Shaped[Tensor, "B ..."]:
        """The rows of this process, of something made for the whole batch."""
        return whole[self.rows]

    def uniform(self, low: float, high: float, *shape: int) -> Float[Tensor, "B ..."]:
        return self.mine(torch.empty(self.count, *shape).uniform_(low, high, generator=self.generator))

    def coins(self, share: float, *shape: int) -> Float[Tensor, "B ..."]:
        """1 with this probability, else 0."""
        return (self.uniform(0, 1, *shape) < share).float()

    def normal(self, *shape: int) -> Float[Tensor, "..."]:
        """Standard normal numbers shared by the whole batch."""
        return torch.randn(*shape, generator=self.generator)

    def order(self, length: int) -> Int[Tensor, " length"]:
        """A permutation shared by the whole batch."""
        return torch.randperm(length, generator=self.generator)
