"""Statistics: what turns a value into a number that can be believed: its interval and its null."""

from repscope.statistics.interval import interval
from repscope.statistics.nulls import null_of, other_images, permutations, torus_shifts

__all__ = ["interval", "null_of", "other_images", "permutations", "torus_shifts"]
