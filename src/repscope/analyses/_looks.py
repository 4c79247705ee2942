"""Looks: what one encoder said of the photos of a probe, on the way to its panel."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.analyses._codes import Seen, coded
from repscope.analyses._pictures import pca_maps
from repscope.analyses._position import LEAST, MOST, position_directions
from repscope.analyses._study import Study, View
from repscope.encoders import Encoder
from repscope.encoders.vit.architecture import Architecture
from repscope.errors import RepscopeError
from repscope.frames import Frame
from repscope.images import Photo
from repscope.report import Panel

Map = Float[NDArray[np.floating], "h w"]


class Looks:
    """One encoder's views by photo id, in the order they came: the same however the photos are named.

    Sums over them are the same bits, then.
    """

    def __init__(self, encoder: Encoder, study: Study, seen: Mapping[str, tuple[Photo, View]]):
        self.encoder, self.study, self.seen = encoder, study, seen

    @cached_property
    def colours(self) -> dict[str, Any]:
        """The PCA map of each photo, one basis over all."""
        maps = pca_maps([view.patches for _, view in self.seen.values()])
        return dict(zip(self.seen, maps, strict=True))

    def panel(self, order: Sequence[str]) -> Panel:
        """The panel, its looks in this order."""
        views = [view for _, view in self.seen.values()]
        looked, said = self._attention(views[0].patches.shape[:2])
        position, reason = _position([view.patches for view in views])
        seen = [
            Seen(view.patches, edges(view.frame), colours, attention)
            for view, colours, attention in zip(views, self.colours.values(), looked, strict=True)
        ]
        self.study.at_work()
        made = coded(self.encoder.contract.name, seen, position, without_position=reason, attention=said)
        by_photo = dict(zip(self.seen, made.looks, strict=True))
        return replace(made, looks=tuple(by_photo[name] for name in order))

    def _attention(self, grid: tuple[int, int]) -> tuple[list[Map | None], str]:
        """Where the layer's attention goes, a map for each photo, and what it is; or why there is none."""
        name, form, layer = self.encoder.contract.name, self.encoder.contract.architecture, self.study.layers[0]
        block, ask = form.depth if layer == -1 else layer, getattr(self.encoder, "attention", None)
        none: list[Map | None] = [None] * len(self.seen)
        if not block or ask is None:
            return none, f"{name} gives no attention away." if block else "the embedding layer has none."
        maps: list[Map | None] = []
        try:
            for photo, view in self.seen.values():
                if view.received is not None:
                    maps.append(view.received)
                    continue
                # one by one: a video encoder's weights are hundreds of MB each
                maps.append(_received(ask((photo,), block, self.study.framing)[0], grid, form))
                self.study.at_work()
        except RepscopeError as error:
            return none, str(error)
        whose = "the CLS token's" if form.cls else "all patches'"
        return maps, f"{whose} attention to each patch in block {block}, mean over heads."


def edges(frame: Frame) -> tuple[float, float, float, float]:
    """Left, top, right, bottom."""
    return frame.left, frame.top, frame.right, frame.bottom


def _position(grids: Sequence[Any]) -> tuple[Any, str]:
    """The directions of position, or none and the reason."""
    none = np.zeros((0, grids[0].shape[-1]))
    if len(grids) < LEAST:
        return none, f"position is told from content over {LEAST} photos or more, not over {len(grids)}."
    if len({grid.shape for grid in grids}) > 1:
        return none, "the photos' grids differ: there is no position in common."
    found = position_directions(grids)
    if len(found) == MOST:
        return none, f"{MOST} directions and more pass: the photos are too alike to tell position from content."
    return found, "" if len(found) else "no direction along which patches differ by where they are passes its null."


def _received(weights: Float[NDArray[np.floating], "heads N N"], grid: tuple[int, int], form: Architecture) -> Map:
    """Attention on each patch, of the CLS token or, without one, of the patches' mean; summed over time."""
    mean = weights.mean(0)
    row = mean[0] if form.cls else mean[form.prefix :].mean(0)
    return row[form.prefix :].reshape(-1, *grid).sum(0)
