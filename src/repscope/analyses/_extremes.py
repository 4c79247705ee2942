"""Extremes: the images at both ends of a reading."""

from collections.abc import Sequence

import numpy as np

from repscope import metrics
from repscope.analyses._sets import Album, labelled
from repscope.report import Block, Gallery, say
from repscope.store import Embedded

SHOWN = ("effective_rank", "participation_ratio", "spatial_coherence_centred", "patch_entropy", "outlier_tokens")
"""Readings whose ends are shown: one of each kind."""
EACH = 4


def extremes(images: Embedded, names: Sequence[str], layer: int, album: Album) -> list[Block]:
    """For each encoder and each of a few readings, the images that have least and most of it."""
    found: list[Block] = []
    for name in names:
        readings = images.readings(name, layer)
        found += [
            made
            for key in SHOWN
            if key in readings and (made := _ends(images, name, key, np.asarray(readings[key]), album))
        ]
    return found


def _ends(images: Embedded, name: str, key: str, values: np.ndarray, album: Album) -> Gallery | None:
    """The lowest and the highest; None where all are alike or cannot be shown."""
    card, known = metrics.catalogue[key], np.flatnonzero(np.isfinite(values))
    if not len(known) or np.ptp(values[known]) == 0:
        return None
    ids = images.ids[known].astype(str)
    order = known[np.lexsort((ids, values[known]))]  # ties by name
    each = min(EACH, len(order) // 2)
    ends = [(row, "lowest") for row in order[:each]] + [(row, "highest") for row in order[::-1][:each]]
    pictures = [
        album.picture(int(row), f"{say(float(values[row]))}, {which}: {labelled(images, int(row))}")
        for row, which in ends
    ]
    unit = f" ({card.unit})" if card.unit else ""
    caption = f"Of each image's patches: the {each} lowest and {each} highest of {len(known):,} images, ties by name."
    shown = tuple(picture for picture in pictures if picture is not None)
    return Gallery(f"{card.title}{unit}, both ends: {name}", shown, caption) if shown else None
