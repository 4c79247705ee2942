"""A small map of images, every name of it chosen."""

import io

import numpy as np
from PIL import Image

from repscope.report import Colouring, Map, Points, Thumbnails
from repscope.report.points import packed


def sheet(side: int, columns: int, count: int) -> bytes:
    """Thumbnails of one colour each: red is 20 times the place."""
    lines = -(-count // columns)
    pixels = np.zeros((lines * side, columns * side, 3), np.uint8)
    for i in range(count):
        top, left = (place * side for place in divmod(i, columns))
        pixels[top : top + side, left : left + side] = 20 * i, 128, 255 - 20 * i
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "WEBP", lossless=True)
    return out.getvalue()


def points(name: str, count: int = 12, k: int = 3) -> Points:
    """Two maps and one that failed, coloured by three classes, and by a reading that some have not."""
    rng = np.random.default_rng(0)
    maps = []
    for encoder in (name, f"{name} 2"):
        places = rng.normal(size=(count, 2))
        far = np.linalg.norm(places[:, None] - places, axis=-1)
        nearest = np.argsort(far, 1)[:, 1 : k + 1]
        maps.append(Map(encoder, packed(places, "<f4"), packed(nearest, "<i4"), caption=name))
    classes = np.arange(count) % 3.0
    reading = np.linspace(-1, 2, count)
    reading[0] = classes[1] = np.nan
    colours = (
        Colouring(name, packed(classes, "<f4"), (name, "b", "c"), about=name),
        Colouring(f"{name} read", packed(reading, "<f4"), domain=(-1.0, 2.0), unit=name, about=name),
    )
    rows = np.arange(0, count, 2)
    sprites = Thumbnails(4, 3, sheet(4, 3, len(rows)), packed(rows, "<i4"))
    ids = tuple(f"{name} {i}" for i in range(count))
    return Points(name, ids, (*maps, Map(name, reason=name)), colours, sprites, name)
