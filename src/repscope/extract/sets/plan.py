"""Plan: a set of images cut into shards; the cut depends on the images alone, never on who does the work."""

from collections.abc import Iterator
from dataclasses import dataclass

from repscope.errors import WrongUsage
from repscope.images.sets import ImageSet, Part


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Images start to stop - 1 of one part.

    Attributes:
        number: Of all shards, from 0.
        before: Images of the set in front of this part.
    """

    number: int
    part: Part
    start: int
    stop: int
    before: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def name(self) -> str:
        return f"{self.number:06d}"


def shards(images: ImageSet, size: int) -> Iterator[Shard]:
    """No shard crosses from one part into the next: a file that is added changes no other file's shards."""
    number = before = 0
    for part in images.parts:
        for start in range(0, len(part), size):
            yield Shard(number, part, start, min(start + size, len(part)), before)
            number += 1
        before += len(part)


@dataclass(frozen=True)
class Share:
    """Every n-th shard, from the i-th: what one job of an array does.

    >>> Share.read("2/8")
    Share(i=2, n=8)
    """

    i: int = 1
    n: int = 1

    @classmethod
    def read(cls, text: str) -> "Share":
        """From "i/n"; raises WrongUsage for anything else."""
        before, _, after = text.partition("/")
        if before.isdecimal() and after.isdecimal() and 1 <= int(before) <= int(after):
            return cls(int(before), int(after))
        raise WrongUsage(f"--shard wants i/n, the i-th of n jobs, such as 1/8; got {text!r}.")

    def has(self, shard: Shard) -> bool:
        return shard.number % self.n == self.i - 1
