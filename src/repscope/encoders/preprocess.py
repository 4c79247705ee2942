"""Preprocess: photos as an encoder is shown them, by its own published rule."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float, Real, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from repscope.encoders.contract import Filter, Preprocessing
from repscope.encoders.encoder import Framing
from repscope.errors import UnknownName, WrongUsage
from repscope.frames import Frame
from repscope.images.pace import Pace
from repscope.images.photo import Photo

Pixels = NDArray[Any]
"""Grey levels in uint8, or float32 in 0..1."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are outside."""

ON_LEVELS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
"""Pillow's filters: they widen when a photo shrinks, and round back to grey levels."""

QUICK = {"bicubic": "bicubic", "bilinear": "bilinear", "bilinear-float": "bilinear"}
"""The same by torch, on grey levels."""


def prepared(
    photos: Sequence[Photo], rule: Preprocessing, framing: Framing
) -> tuple[Float[Tensor, "B 3 S S"], tuple[Frame, ...]]:
    """Normalised float32 pixels of each photo, and the part of it that they show.

    A photo's pixels depend on nothing but itself: not on the batch, nor on how many threads there
    are. For `official` they are, bit for bit, those of the published processors; of photos whose
    pace is `fast`, at most two grey levels from them. Raises WrongUsage for a rule that crops more
    than it has, UnknownName for a filter or framing there is none of.
    """
    if framing not in get_args(Framing):
        raise UnknownName("framing", framing, get_args(Framing))
    show = square if framing == "square" else official
    pixels = np.empty((len(photos), 3, rule.size, rule.size), np.float32)
    frames: list[Frame] = []
    for photo, out in zip(photos, pixels, strict=True):
        shown, frame = show(photo.pixels, rule, photo.pace)
        normalised(shown, rule, out)
        frames.append(frame)
    return torch.from_numpy(pixels), tuple(frames)


def square(
    pixels: UInt8[NDArray[np.uint8], "H W 3"], rule: Preprocessing, pace: Pace = "exact"
) -> tuple[Real[Pixels, "S S 3"], Frame]:
    """The central square, scaled by the rule's filter: the same part of the photo for every rule.

    It is cut out before it is scaled: no pixel outside it has a say.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    box = central(width, height, side)
    return resized(cut(pixels, box), rule.size, rule.size, rule.filter, pace), part(box, width, height)


def official(
    pixels: UInt8[NDArray[np.uint8], "H W 3"], rule: Preprocessing, pace: Pace = "exact"
) -> tuple[Real[Pixels, "S S 3"], Frame]:
    """The published transform: squash, or scale the shorter side to `edge` and crop the centre."""
    height, width = pixels.shape[:2]
    if rule.resize == "squash":
        return resized(pixels, rule.size, rule.size, rule.filter, pace), Frame()
    if rule.edge < rule.size:
        raise WrongUsage(f"A crop of {rule.size} pixels needs a shorter side of as many; the rule says {rule.edge}.")
    short = min(height, width)
    # The longer side is rounded down, the crop's offset too: other roundings move it by a pixel.
    height, width = rule.edge * height // short, rule.edge * width // short
    box = central(width, height, rule.size)
    return cut(resized(pixels, height, width, rule.filter, pace), box), part(box, width, height)


def resized(
    pixels: UInt8[NDArray[np.uint8], "H W 3"], height: int, width: int, by: Filter, pace: Pace = "exact"
) -> Real[Pixels, "height width 3"]:
    """Scaled to this size, antialiased: grey levels in uint8, or float32 in 0..1 for `bilinear-float`.

    The fast pace has levels for all three filters, at most two from the exact ones: its weights have 16 bits, and
    `bilinear-float` is rounded as the others are. Where Pillow may scale the height first it is left to it.
    """
    if (
        pace == "fast"
        and by in QUICK
        and (by != "bicubic" or _width_first(pixels.shape[0], pixels.shape[1], height, width))
    ):
        levels = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]
        scaled = interpolate(levels, (height, width), mode=QUICK[by], align_corners=False, antialias=True)
        return scaled[0].permute(1, 2, 0).numpy()
    if by == "bilinear-float":
        unit = torch.tensor(pixels).permute(2, 0, 1)[None] * (1 / 255)
        scaled = interpolate(unit, (height, width), mode="bilinear", align_corners=False, antialias=True)
        return scaled[0].permute(1, 2, 0).numpy()
    if by not in ON_LEVELS:
        raise UnknownName("filter", by, get_args(Filter))
    return np.asarray(Image.fromarray(pixels).resize((width, height), ON_LEVELS[by]))


def _width_first(height: int, width: int, high: int, wide: int) -> bool:
    """Whether any Pillow scales the width first, as torch does.

    Bicubic overshoots, and between its two passes is cut to 0..255: in the other order black and white noise comes out
    up to 30 levels apart. Pillow 13 takes the other order for some tall pictures and for widths that grow more than
    heights; measured, never where neither is so, nor where both scale alike, both up or both down, and the height is
    under twice the width.
    """
    across, down = wide / width, high / height
    if height <= width:
        return across <= down * 1.01
    return height < 2 * width and abs(across / down - 1) <= 0.01 and not across > 1 > down


def normalised(
    pixels: Real[Pixels, "H W 3"], rule: Preprocessing, out: Float[NDArray[np.float32], "3 H W"] | None = None
) -> Float[NDArray[np.float32], "3 H W"]:
    """(x - mean) / deviation of each channel in float32, channels first; x in 0..1, or grey levels / 255.

    There are only 256 grey levels, so theirs are looked up: the same bits as the arithmetic on
    every pixel, in a quarter of the time.
    """
    out = np.empty((3, *pixels.shape[:2]), np.float32) if out is None else out
    if pixels.dtype != np.uint8:
        mean, deviation = np.array(rule.mean, np.float32), np.array(rule.deviation, np.float32)
        out[:] = ((pixels - mean) / deviation).transpose(2, 0, 1)
        return out
    places = pixels.transpose(2, 0, 1).astype(np.intp, order="C")
    for channel, levels in enumerate(_levels(rule)):
        np.take(levels, places[channel], out=out[channel], mode="clip")  # no level lies outside; `raise` would copy
    return out


@lru_cache(maxsize=64)
def _levels(rule: Preprocessing) -> Float[NDArray[np.float32], "3 256"]:
    """What each grey level becomes in each channel."""
    mean, deviation = np.array(rule.mean, np.float32), np.array(rule.deviation, np.float32)
    levels = (np.arange(256, dtype=np.float64) * (1 / 255)).astype(np.float32)
    return np.ascontiguousarray(((levels[:, None] - mean) / deviation).T)


def central(width: int, height: int, side: int) -> Box:
    """The square of this side in the middle; where it cannot lie exactly, half a pixel up and left."""
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def cut(pixels: Real[Pixels, "H W 3"], box: Box) -> Real[Pixels, "h w 3"]:
    left, top, right, bottom = box
    return pixels[top:bottom, left:right]


def part(box: Box, width: int, height: int) -> Frame:
    """A box in pixels as fractions of the picture it lies in."""
    left, top, right, bottom = box
    return Frame(left / width, top / height, right / width, bottom / height)
