"""Read: a training set from its source, from the cache where it has been read before."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray

from repscope.errors import NoImages, UnfitData
from repscope.lab.data import cache
from repscope.lab.data.decoded import decoded
from repscope.lab.data.source import Source
from repscope.lab.data.training_set import TrainingSet

Progress = Callable[[int, int], None]


def read(
    source: Source,
    size: int,
    *,
    threads: int | None = None,
    progress: Progress = lambda done, total: None,  # noqa: ARG005
) -> TrainingSet:
    """Every image, in order, as RGB of `size` x `size`: of its central square.

    Large sets are decoded into a file of the cache and mapped from there: they need no memory of
    their own, and a second run begins at once. Where the disk has no room they lie in memory.

    Args:
        source: Where the images come from.
        size: Side in pixels.
        threads: For decoding; all processors where not given.
        progress: Called with how many are decoded, and of how many.

    Raises NoImages where there is none, UnreadableImage for bytes that are no image, UnfitData for
    a source of another layout.
    """
    count = len(source)
    if not count:
        raise NoImages(f"No image in {source}; give images or Parquet files that hold some.")
    labels = torch.tensor(source.labels())
    shape = (count, 3, size, size)

    def parts() -> Iterator[UInt8[np.ndarray, "k 3 S S"]]:
        done = 0
        for some in decoded(source, size, threads):
            yield some
            done += len(some)
            progress(done, count)

    pixels, known = _kept(source, size, shape, labels.numpy().tobytes(), parts) or (_held(shape, parts()), "")
    return TrainingSet(torch.from_numpy(pixels), labels, known)


def _kept(
    source: Source, size: int, shape: tuple[int, ...], labels: bytes, parts: Callable[[], Iterator[Any]]
) -> tuple[NDArray[np.uint8], str] | None:
    """Pixels mapped from the cache, and their digest; None where they are not to be kept, or cannot be."""
    where = cache.folder()
    if where is None or shape[0] < cache.LEAST:
        return None
    name = cache.key(source, size)
    if there := cache.kept(where, name, shape):
        return there
    if not cache.roomy(where, int(np.prod(shape))) or cache.keep(where, name, shape, labels, parts()) is None:
        return None
    return cache.kept(where, name, shape)


def _held(shape: tuple[int, ...], parts: Iterator[Any]) -> NDArray[np.uint8]:
    try:
        pixels = np.empty(shape, np.uint8)
    except MemoryError:
        raise UnfitData(
            f"{shape[0]:,} images of {shape[2]} pixels want {np.prod(shape) / 1e9:,.0f} GB, and neither memory nor the "
            "cache has the room; set REPSCOPE_CACHE to a folder on a larger disk, or train on fewer."
        ) from None
    done = 0
    for some in parts:
        pixels[done : done + len(some)] = some
        done += len(some)
    return pixels
