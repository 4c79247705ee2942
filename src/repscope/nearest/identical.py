"""Identical: rows that are the same, number for number."""

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows by what they are.

    Attributes:
        first: (U,) place of the first row of each group, ascending.
        members: (N,) places of all rows, group after group, ascending in each.
        begin: (U + 1,) where each group begins among them.
    """

    first: Int[NDArray[np.intp], " U"]
    members: Int[NDArray[np.intp], " N"]
    begin: Int[NDArray[np.intp], " V"]

    def of(self, group: int, most: int) -> Int[NDArray[np.intp], " m"]:
        """The first few places of a group."""
        return self.members[self.begin[group] : min(self.begin[group] + most, self.begin[group + 1])]


def identical(rows: Float[NDArray[np.floating], "N D"]) -> Groups:
    """The groups of equal rows, in the order of their first; 0 and -0 are equal.

    Told apart by 128 bits of BLAKE2b of their bytes.
    """
    known: dict[bytes, int] = {}
    group = np.empty(len(rows), np.intp)
    for place, row in enumerate(rows):
        digest = hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest()
        group[place] = known.setdefault(digest, len(known))
    members = np.argsort(group, kind="stable")
    begin = np.searchsorted(group[members], np.arange(len(known) + 1))
    return Groups(members[begin[:-1]], members, begin)


def first_of_each(rows: Float[NDArray[np.floating], "N D"]) -> Int[NDArray[np.intp], " U"]:
    """Places of the rows that equal none before them, ascending.

    >>> first_of_each(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [-0.0, 3.0]])).tolist()
    [0, 1]
    """
    return identical(rows).first
