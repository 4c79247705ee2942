"""Looks: what a panel of the probe answers under each layer, as a drawing and in words."""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image

from repscope.errors import Unsupported
from repscope.render import _halfblocks
from repscope.render._colours import limits
from repscope.report import Look, Overlay, Panel, Pin, Snapshot, say
from repscope.report.probe import Kind, reach
from repscope.tui.picture import Drawing, Mark, Pixels

Values = Float[NDArray[np.floating], "h w"]
LAYERS = ("similarity", "PCA", "norm", "attention", "photo")
SCALES = ("absolute", "percentile")
PCA = "First three components; colours do not compare between encoders."


@dataclass(frozen=True)
class Asked:
    """What the probe is asked: a place of the photo, in fractions of it, and how to show what is like it."""

    across: float = 0.5
    down: float = 0.5
    layer: str = LAYERS[0]
    kind: Kind = "centred"
    scale: str = SCALES[0]
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True, eq=False)
class Seen:
    """A panel's answer.

    Attributes:
        said: The words below, line by line, the most wanted first.
        why: Why it is not what was asked for, where it is not.
        overlay: The photo under values of patches; None for a layer that has none.
    """

    drawing: Drawing
    said: tuple[str, ...]
    why: str = ""
    overlay: Overlay | None = None


def shape(photo: Snapshot, look: Look) -> float:
    """Width over height of what the encoder was shown."""
    left, top, right, bottom = look.frame
    return (right - left) * photo.size[0] / ((bottom - top) * photo.size[1])


@lru_cache(64)
def sight(photo: Snapshot, frame: tuple[float, float, float, float], side: int) -> Pixels:
    """What an encoder was shown, at most `side` pixels."""
    with Image.open(io.BytesIO(photo.jpeg)) as image:
        left, top, right, bottom = photo.frame
        width, height = image.width / (right - left), image.height / (bottom - top)
        box = (
            (frame[0] - left) * width,
            (frame[1] - top) * height,
            (frame[2] - left) * width,
            (frame[3] - top) * height,
        )
        factor = min(side / max(box[2] - box[0], box[3] - box[1]), 1)
        size = max(round((box[2] - box[0]) * factor), 1), max(round((box[3] - box[1]) * factor), 1)
        return np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS, box=box))


class Asking:
    """A panel, one of its photos, and what it is asked.

    Attributes:
        pixels: How wide a picture may be.
    """

    def __init__(self, panel: Panel, photo: int, snapshot: Snapshot, asked: Asked, pixels: int):
        self.panel, self.photo, self.snapshot, self.asked = panel, photo, snapshot, asked
        self.look, self.pixels = panel.looks[photo], pixels
        self.place = self.look.place(asked.across, asked.down)
        self.sight = sight(snapshot, self.look.frame, 2 * pixels)

    def seen(self) -> Seen:
        layer = self.asked.layer
        if layer == "similarity":
            return self.similar()
        if layer == "PCA":
            return Seen(self.drawing(self.look.pca), (PCA,))
        if layer == "norm":
            return self.valued("Norm", self.panel.norms(self.photo))
        if layer == "attention" and self.look.looked_at is not None:
            return self.valued("Attention", self.look.looked_at, self.panel.attention)
        why = f"No attention: {self.panel.attention}" if layer == "attention" else ""
        return Seen(self.drawing(self.sight), (), why)

    def similar(self) -> Seen:
        """What is like the patch, the best match by value and place."""
        if self.place is None:
            return Seen(self.drawing(self.sight), ("Not shown to this encoder.",))
        kind = self.panel.usable(self.asked.kind)
        values, domain, why = self.panel.similarity(self.photo, self.place, kind), (-1.0, 1.0), ""
        best = self.panel.best(self.photo, values, self.place)  # by cosine: of percentiles many are 100 %
        if self.asked.scale == "percentile":
            try:
                values, domain = self.panel.percentile(self.photo, self.place, values, kind), (0.0, 1.0)
            except Unsupported as error:
                why = str(error)
        if kind != self.asked.kind:
            why = f"Centred: {self.panel.without_position}"
        at = f"{self.scaled(values[best], domain)} at row {best[0] + 1}, column {best[1] + 1}"
        return self.over(values, domain, (f"best {at}", self.pinned(values, domain)), best, why)

    def pinned(self, values: Values, domain: tuple[float, float]) -> str:
        """How much each pin of this photo is like the patch, the newest first."""
        found = []
        for pin in reversed(self.asked.pins):
            place = self.look.place(pin.across, pin.down) if pin.photo == self.photo else None
            if place is not None:
                found.append(f"{pin.label} {self.scaled(values[place], domain)}")
        return "  ".join(found)

    def scaled(self, value: float, domain: tuple[float, float]) -> str:
        return say(float(value)) if domain[0] < 0 else f"{100 * value:.1f} %"

    def valued(self, name: str, values: Values, what: str = "") -> Seen:
        """One value for each patch, whatever the cursor asks."""
        ends = reach(values)
        if ends is None:
            low = float(values.min())
            return self.over(values, (low - 1, low + 2), (f"{name} {say(low)} for all patches, to a thousandth", what))
        here = "" if self.place is None else f"{say(float(values[self.place]))} here, of "
        return self.over(values, ends, (f"{name} {here}{say(ends[0])} to {say(ends[1])}", what))

    def over(
        self,
        values: Values,
        domain: tuple[float, float],
        said: tuple[str, ...],
        best: tuple[int, int] | None = None,
        why: str = "",
    ) -> Seen:
        overlay = Overlay(self.snapshot.id, self.sight, values, domain, self.place)
        unmarked = Overlay(self.snapshot.id, self.sight, values, domain)
        low, high = limits(domain)
        shades = (values - low) / (high - low or 1.0)
        drawing = self.drawing(_halfblocks.heated(unmarked, self.pixels), shades, best)
        return Seen(drawing, tuple(filter(None, said)), why, overlay)

    def drawing(self, pixels: Pixels, shades: Values | None = None, best: tuple[int, int] | None = None) -> Drawing:
        """With the pins, the best match and the cursor, which lies above all."""
        places = [
            (self.look.place(pin.across, pin.down), pin.label) for pin in self.asked.pins if pin.photo == self.photo
        ]
        marks = [Mark(*place, label[:1]) for place, label in places if place is not None and place != self.place]
        if best is not None:
            marks.insert(0, Mark(*best, "×"))
        if self.place is not None:
            marks.append(Mark(*self.place))
        return Drawing(pixels, self.look.grid, tuple(marks), shades)
