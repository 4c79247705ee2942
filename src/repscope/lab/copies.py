"""Copies: photos that are trained on, be it as other files, scaled, or in Parquet."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.functional import interpolate

SIDE = 16
"""Of the thumbnails, in pixels: what is left of an image after any scaling and compression."""

ALIKE = 0.95
"""Cosine of two thumbnails from which on they are of one picture. Of 120 photos, seven have a copy among 50,000 images,
by .979 and more; of the others the closest is alike by .912."""

TOGETHER = 1024
"""Images held against the photos at a time."""


def copies(photos: Sequence[UInt8[NDArray[np.uint8], "H W 3"]], images: UInt8[Tensor, "n 3 S S"]) -> dict[int, int]:
    """Places of photos that are, but for size, cut and mirroring, one of the images; and of which.

    The cosine of grey thumbnails, 16 x 16, less their means: of the photo's central square or the
    whole of it, mirrored or not. One that was cut by a tenth, or a twentieth to one side, padded,
    framed or turned is mostly not noticed. About one photo in a thousand is noticed and is none: plain
    pictures of unlike things, as two horizons. An image of one colour is a copy of nothing.
    """
    if not len(photos):
        return {}
    shown = torch.stack([_thumbnails(_variants(photo)) for photo in photos])
    best, place = torch.full((len(photos),), -1.0), torch.zeros(len(photos), dtype=torch.long)
    for start in range(0, len(images), TOGETHER):
        some = _thumbnails(images[start : start + TOGETHER])
        value, found = (shown @ some.T).amax(1).max(1)
        place = torch.where(value > best, start + found, place)
        best = best.maximum(value)
    return {k: int(place[k]) for k in range(len(photos)) if best[k] >= ALIKE}


def _variants(photo: UInt8[NDArray[np.uint8], "H W 3"]) -> UInt8[Tensor, "4 3 S S"]:
    """The central square and the whole, and both mirrored."""
    picture, size = Image.fromarray(photo), (4 * SIDE, 4 * SIDE)
    both = [ImageOps.fit(picture, size, Image.Resampling.BICUBIC), picture.resize(size, Image.Resampling.BICUBIC)]
    pixels = torch.from_numpy(np.stack([np.asarray(each) for each in both])).permute(0, 3, 1, 2)
    return torch.cat([pixels, pixels.flip(3)])


def _thumbnails(pixels: UInt8[Tensor, "n 3 S S"]) -> Float[Tensor, "n p"]:
    """Grey, 16 x 16, less their mean, of length 1; 0 for one colour."""
    grey = interpolate(pixels.float(), size=(SIDE, SIDE), mode="area").mean(1).flatten(1)
    grey = grey - grey.mean(1, keepdim=True)
    return grey / grey.norm(dim=1, keepdim=True).clamp_min(1.0)
