"""The small second transformer of masked objectives: MAE's decoder, the predictor of I-JEPA and V-JEPA."""

from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from repscope.encoders.vit import Architecture, positions
from repscope.encoders.vit.model import Block, gather
from repscope.lab.bounds import Bounds

HEADS = 6

NarrowWidth = Annotated[int, Bounds(12, 16_380, multiple=12)]
"""What six heads divide, and the sines and cosines of two axes."""


class Narrow(nn.Module):
    """From the tokens of shown patches to what is asked at others.

    Args:
        encoder: Architecture of the encoder it reads.
        outputs: Numbers asked at each place.
        width, depth, heads: Its own shape.
    """

    def __init__(self, encoder: Architecture, outputs: int, width: int = 96, depth: int = 4, heads: int = HEADS):
        super().__init__()
        self.prefix = encoder.prefix
        shape = Architecture(
            width=width, depth=depth, heads=heads, hidden=4 * width, patch=encoder.patch, grid=encoder.grid
        )
        self.inner = nn.Linear(encoder.width, width)
        self.query = nn.Parameter(torch.zeros(width))
        self.places: Tensor
        self.register_buffer("places", positions.sincos(encoder.grid, encoder.grid, width), persistent=False)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=shape.epsilon)
        self.outer = nn.Linear(width, outputs)

    def forward(
        self,
        tokens: Float[Tensor, "B S D"],
        shown: Int[Tensor, "B K"],
        asked: Int[Tensor, "B M"],
        places: Float[Tensor, "N width"] | None = None,
    ) -> Float[Tensor, "B M outputs"]:
        """The answers at `asked`; `places` are positions in place of the encoder's own grid's, for a clip."""
        places = (self.places if places is None else places.to(tokens.device)).expand(len(tokens), -1, -1)
        x = self.inner(tokens)
        prefix, patches = x[:, : self.prefix], x[:, self.prefix :]
        x = torch.cat([prefix, patches + gather(places, shown), self.query + gather(places, asked)], 1)
        for block in self.blocks:
            x = block(x)
        return self.outer(self.norm(x[:, -asked.shape[1] :]))
