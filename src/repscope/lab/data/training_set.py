"""Training set: decoded images and their labels."""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor


@dataclass(frozen=True)
class TrainingSet:
    """Square uint8 images and their labels (-1 where there are none).

    Attributes:
        pixels: In memory, or mapped from a file: index them a batch at a time.
        labels: Class of each, from 0.
        known: The digest, where it is known from an earlier reading.
    """

    pixels: UInt8[Tensor, "n 3 S S"]
    labels: Int[Tensor, " n"]
    known: str = field(default="", repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def digest(self) -> str:
        """Of pixels and labels: what a run must be resumed on."""
        if self.known:
            return self.known
        told = blake2b(digest_size=8)
        for part in self.pixels.split(1024):
            told.update(np.ascontiguousarray(part).data)
        told.update(self.labels.numpy().tobytes())
        return told.hexdigest()

    @cached_property
    def classes(self) -> int:
        """One more than the largest label; 1 where all labels are alike, 0 where there is none."""
        return classes_of(self.labels)

    @cached_property
    def places(self) -> Int[Tensor, " k"]:
        """Of the images whose label is known."""
        return (self.labels >= 0).nonzero().flatten()

    def spread(self, count: int) -> "TrainingSet":
        """This many of the images, evenly spread over their order; itself where there are no more."""
        if len(self) <= count:
            return self
        return self._at(torch.arange(count) * len(self) // count)

    def part(self, place: int, of: int) -> "TrainingSet":
        """One of so many equal parts, from 0, into which the images are dealt at random, the same each time."""
        return self._at(dealt(len(self), place, of))

    def _at(self, places: Int[Tensor, " k"]) -> "TrainingSet":
        return TrainingSet(self.pixels[places], self.labels[places])


def classes_of(labels: Int[Tensor, " n"]) -> int:
    """How many classes these labels number, as `TrainingSet.classes`: known before an image is decoded."""
    there = labels[labels >= 0].unique()
    return int(there.max()) + 1 if len(there) > 1 else len(there)


def dealt(count: int, place: int, of: int) -> Int[Tensor, " k"]:
    """The places, ascending, of the images in one of so many equal parts, from 0."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    return order[place * count // of : (place + 1) * count // of].sort().values
