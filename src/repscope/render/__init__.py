"""Media: a report as text, JSON, HTML or PNG; one file per medium, none of which computes."""

from collections.abc import Callable
from typing import Any

from repscope.catalogue import Catalogue

media: Catalogue[Callable[..., Any]] = Catalogue("medium", "repscope.render")

__all__ = ["media"]
