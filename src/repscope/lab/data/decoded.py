"""Decoded: image files as squares of pixels, by several threads, in their order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, ImageOps

from repscope.errors import UnreadableImage
from repscope.images.decode import decode
from repscope.lab.data.source import Source
from repscope.threads import decoding

TOGETHER = 256
"""Images decoded between two looks at what there is to read: enough to keep threads busy, few enough to hold."""


def decoded(source: Source, size: int, threads: int | None = None) -> Iterator[UInt8[np.ndarray, "k 3 S S"]]:
    """All images, a few hundred at a time, as RGB of `size` x `size`: of the central square, bicubic.

    Raises UnreadableImage for the first that is none. Pillow decodes and scales without holding
    the interpreter, so threads help.

    Args:
        source: Where they come from.
        size: Side in pixels.
        threads: One for each core where not given.
    """
    waiting = source.images()
    with ThreadPoolExecutor(threads or decoding()) as pool:
        while some := list(islice(waiting, TOGETHER)):
            yield np.stack(list(pool.map(lambda image: square(image[1], size, image[0]), some)))


def square(data: bytes | Path, size: int, source: str) -> UInt8[np.ndarray, "3 S S"]:
    """One image: upright, sRGB, its central square scaled to `size`.

    Raises UnreadableImage, which says what to do, for what is no image.
    """
    pixels: NDArray[np.uint8] = decode(_bytes(data, source), id=source, source=source).pixels
    if pixels.shape[:2] != (size, size):
        pixels = np.asarray(ImageOps.fit(Image.fromarray(pixels), (size, size), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _bytes(data: bytes | Path, source: str) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return data.read_bytes()
    except OSError as error:
        raise UnreadableImage(f"{source}: it cannot be read ({error.strerror}).") from None
