"""Statistics: what turns a value into a number that can be believed: its interval and its null."""

from repscope.statistics.blocks import blocks
from repscope.statistics.estimate import Estimate
from repscope.statistics.interval import interval
from repscope.statistics.jackknife import groups, jackknife, lowest
from repscope.statistics.nulls import null_of, other_images, permutations, torus_shifts
from repscope.statistics.scored import Scored

__all__ = [
    "Estimate",
    "Scored",
    "blocks",
    "groups",
    "interval",
    "jackknife",
    "lowest",
    "null_of",
    "other_images",
    "permutations",
    "torus_shifts",
]
