"""Metrics: one file each; the file's name is the metric's.

A metric is a number with a card, callable on arrays: `metrics.linear_cka(x, y)`. A `Reading` is of
one set of vectors, a `Pair` of two, a `Views` of several views of the same images. Every file beside
this one without a leading underscore is one.

>>> import numpy as np
>>> from repscope import metrics
>>> round(metrics.effective_rank(np.eye(5)), 6)
4.0
"""

import sys
from types import ModuleType
from typing import Any

from repscope.catalogue import Catalogue
from repscope.metrics._card import Card, Laws, Pair, Reading, spread
from repscope.metrics._rows import Rows
from repscope.metrics._views import Views

catalogue: Catalogue[Card] = Catalogue("metric", __name__, "metrics")

__all__ = ["Card", "Laws", "Pair", "Reading", "Rows", "Views", "catalogue", "pairs", "readings", "spread", "views"]


def readings(patches: bool = False) -> list[Reading]:
    """The metrics of one set, by name; with `patches` only those that say something of one photo's patches."""
    return [card for card in catalogue.values() if isinstance(card, Reading) and (card.patches or not patches)]


def pairs() -> list[Pair]:
    """The metrics of two sets, by name."""
    return [card for card in catalogue.values() if isinstance(card, Pair)]


def views() -> list[Views]:
    """The metrics of several views of the same images, by name."""
    return [card for card in catalogue.values() if isinstance(card, Views)]


class _Package(ModuleType):
    """Python hangs an imported file on its package; here its measure takes that place."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, getattr(value, name, value) if isinstance(value, ModuleType) else value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in catalogue:
        raise AttributeError(f"repscope.metrics has no {name!r}; it has {', '.join(catalogue)}.")
    return catalogue[name]
