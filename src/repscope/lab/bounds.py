"""Bounds: between which numbers an option of an objective may lie; the types that objectives declare theirs with."""

import sys
from dataclasses import dataclass
from math import inf
from typing import Annotated

MOST = sys.float_info.max
"""What is above is no number to compute with: infinity, or a whole number that no float holds."""


@dataclass(frozen=True)
class Bounds:
    """A range of numbers.

    An objective writes it beside its option, `locals: Annotated[int, Bounds(0, 100)] = 2`, and
    whoever sets the option is held to it before anything is decoded.

    Attributes:
        low, high: Both belong to the range.
        above, below: Where they do not.
        multiple: The whole number that all in the range are multiples of; 1 for any.
    """

    low: float = 0
    high: float = inf
    above: bool = False
    below: bool = False
    multiple: int = 1

    def __contains__(self, value: float) -> bool:
        """Whether a number lies in the range; what is not finite does not."""
        inside = self.low <= value <= min(self.high, MOST)
        ends = (self.above and value == self.low) or (self.below and value == self.high)
        return inside and not ends and (self.multiple == 1 or value % self.multiple == 0)

    def __str__(self) -> str:
        """In words, to follow what kind of number it is.

        >>> str(Bounds(1, 64)), str(Bounds()), str(Bounds(0, 1, above=True, below=True))
        ('from 1 to 64', '0 or more', 'above 0 and below 1')
        """
        many = f"a multiple of {self.multiple} " if self.multiple > 1 else ""
        if self.high == inf:
            return f"{many}above {self.low:,}" if self.above else f"{many}{self.low:,} or more"
        start = f"above {self.low:,} and" if self.above else f"from {self.low:,} to"
        end = "below " if self.below else "at most " if self.above else ""
        return f"{many}{start} {end}{self.high:,}"


Count = Annotated[int, Bounds(1, 65_536)]
"""Of what is many: prototypes, directions."""

Width = Annotated[int, Bounds(1, 16_384)]
"""Of a layer: two of the widest have a square of weights that still fits into a gigabyte."""

Few = Annotated[int, Bounds(1, 100)]
"""Of what costs a pass each: frames, blocks."""

Weight = Annotated[float, Bounds()]
"""Of a term of the loss; 0 takes it away."""

Positive = Annotated[float, Bounds(above=True)]
"""Of what is divided by: temperatures."""

Share = Annotated[float, Bounds(0, 1)]
"""Of a whole, from nothing to all of it."""

PartialShare = Annotated[float, Bounds(0, 1, below=True)]
"""Of what must not be all: a teacher that never moves learns nothing, a target smoothed wholly says nothing."""

ProperShare = Annotated[float, Bounds(0, 1, above=True, below=True)]
"""Of what must leave something on both sides: a mask."""
