"""Statistics: what turns a value into a number that can be believed: its interval and its null."""

from repscope.statistics.blocks import blocks
from repscope.statistics.estimate import Estimate
from repscope.statistics.interval import interval
from repscope.statistics.nulls import null_of, other_images, permutations, torus_shifts
from repscope.statistics.scored import Scored

__all__ = ["Estimate", "Scored", "blocks", "interval", "null_of", "other_images", "permutations", "torus_shifts"]
