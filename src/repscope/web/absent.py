"""Absent: a photo or a report that is not there, or not any more."""

from repscope.errors import RepscopeError


class Absent(RepscopeError, LookupError):
    """Something that an address names and that is not there."""
