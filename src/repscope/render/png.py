"""PNG: each picture, map, matrix and curve of a report as a file of its own."""

import re
import unicodedata
from collections.abc import Container, Sequence

import numpy as np

from repscope.render import _charts, _pictures, _scatter
from repscope.render._lettering import lettering
from repscope.render._pictures import Pixels
from repscope.render._wording import runs
from repscope.report import Block, Colouring, Curve, Gallery, Heatmap, Overlay, Points, Report, say

TILE = 448
MARGIN = 16
EDGE, MARKED = 6, (0xB3, 0x53, 0x00)
ACROSS = 4  # pictures side by side before a new row begins


def png(report: Report) -> dict[str, bytes]:
    """File name -> bytes, one file for each block that can be seen; blocks of numbers and words have none."""
    files: dict[str, bytes] = {}
    for run in runs(report.blocks):
        drawn = _drawn(run)
        if drawn is not None:
            title, content = drawn
            files[named(title, files)] = content
    return files


def _drawn(run: Sequence[Block]) -> tuple[str, bytes] | None:
    """Title and PNG of a block that can be seen, or of maps that belong together."""
    block = run[0]
    if isinstance(block, Gallery):
        return block.title, _pictures.png(gallery(block))
    if isinstance(block, Overlay):
        return block.title, _pictures.png(overlays([each for each in run if isinstance(each, Overlay)]))
    if isinstance(block, Points) and _scatter.drawn(block):
        return block.title, _pictures.png(points(block))
    if isinstance(block, Heatmap) or (isinstance(block, Curve) and _charts.drawable(block)):
        return block.title, _charts.png(block)
    return None


def named(title: str, taken: Container[str]) -> str:
    """A file name for a block: its title in plain letters, numbered where another block has the same.

    >>> named("PCA of “Köln”, 2 × 2", ()), named("PCA", ("pca.png",)), named("猫", ())
    ('pca-of-koln-2-2.png', 'pca-2.png', 'picture.png')
    """
    bare = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[:60].strip("-") or "picture"
    if stem in ("con", "prn", "aux", "nul"):  # names that Windows keeps for itself
        stem += "-1"
    name, number = f"{stem}.png", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.png"
    return name


def gallery(block: Gallery) -> Pixels:
    """Pictures side by side, each enlarged whole pixels at a time, with its caption below."""
    across = block.across or ACROSS
    side = TILE * ACROSS // max(across, ACROSS)
    tiles = [_tile(_pictures.fitted(each.pixels, side), each.caption, each.mark, side) for each in block.pictures]
    rows = [beside(tiles[start : start + across]) for start in range(0, len(tiles), across)]
    return _page(block.title, rows, block.caption)


def overlays(blocks: Sequence[Overlay]) -> Pixels:
    """The photo under each heat, side by side, and the colour scale with its ends, once where all share it."""
    if len(blocks) == 1:
        return _page(blocks[0].title, [above([*_heat(blocks[0])], 8)], blocks[0].caption)
    tiles = [above([*_heat(block), lettering(block.title, TILE, middle=True)], 8) for block in blocks]
    rows = [beside(tiles[start : start + ACROSS]) for start in range(0, len(tiles), ACROSS)]
    return _page("", rows, " ".join(dict.fromkeys(block.caption for block in blocks)))


def _heat(block: Overlay) -> list[Pixels]:
    heat = _pictures.heated(block, TILE)
    width = max(heat.shape[1], 240)
    low, high = block.domain
    middle = 0.0 if low < 0 < high else (low + high) / 2
    scale = above([_pictures.bar(block.domain, width, 14), ticks((low, high, middle), block.domain, width)], 2)
    unit = [lettering(block.unit, width, middle=True)] if block.unit else []
    return [heat, scale, *unit]


def points(block: Points) -> Pixels:
    """A map for each encoder, side by side, in the first of its colours, and what these mean."""
    colouring = block.colours[0] if block.colours else None
    inks = _scatter.inks(colouring, len(block.ids))
    tiles = []
    for each in (block.maps[i] for i in _scatter.drawn(block)):
        words = [lettering(each.encoder, TILE, bold=True), lettering(each.caption, TILE, 15, "#555b66")]
        tiles.append(above([_scatter.scatter(each.xy, inks, TILE), *words], 2))
    rows = [beside(tiles[start : start + ACROSS]) for start in range(0, len(tiles), ACROSS)]
    if colouring is not None:
        rows.append(_key(colouring, max(row.shape[1] for row in rows)))
    return _page(block.title, rows, block.caption)


def _key(colouring: Colouring, width: int) -> Pixels:
    """Classes with their colours, as many beside each other as have room; or the scale of a reading."""
    if not colouring.classes:
        bar = _pictures.bar(colouring.domain, TILE, 14)
        name = f"{colouring.name} {colouring.unit}".strip()
        return above([bar, ticks(colouring.domain, colouring.domain, TILE), lettering(name, TILE, middle=True)], 2)
    entries = []
    for ink, name in _scatter.legend(colouring):
        word = trimmed(lettering(name, TILE))
        swatch = np.full((len(word), 14, 3), 255, np.uint8)
        swatch[6:20] = [int(ink[i : i + 2], 16) for i in (1, 3, 5)]
        entries.append(beside([swatch, word], 6))
    lines: list[list[Pixels]] = [[]]
    for entry in entries:
        if sum(each.shape[1] + MARGIN for each in lines[-1]) + entry.shape[1] > width:
            lines.append([])
        lines[-1].append(entry)
    return above([beside(line) for line in lines if line], 0)


def ticks(values: Sequence[float], domain: tuple[float, float], width: int) -> Pixels:
    """Numbers under a colour bar, each below its colour; moved inside at the ends, left out where there is no room."""
    words = [trimmed(lettering(say(value), width)) for value in values]
    strip = np.full((max(map(len, words)), width, 3), 255, np.uint8)
    for value, word in zip(values, words, strict=True):
        share = (value - domain[0]) / ((domain[1] - domain[0]) or 1.0)
        left = min(max(round(share * width - word.shape[1] / 2), 0), max(width - word.shape[1], 0))
        around = strip[:, max(left - MARGIN // 2, 0) : left + word.shape[1] + MARGIN // 2]
        if (around == 255).all():
            strip[: len(word), left : left + word.shape[1]] = word
    return strip


def trimmed(word: Pixels) -> Pixels:
    """Without the white on its left and right."""
    inked = np.flatnonzero((word < 255).any((0, 2)))
    return word[:, inked[0] : inked[-1] + 1] if len(inked) else word[:, :1]


def _tile(pixels: Pixels, caption: str, mark: str, side: int = TILE) -> Pixels:
    height, width = pixels.shape[:2]
    if mark:
        pixels = pixels.copy()
        for start, stop in ((0, EDGE), (-EDGE, None)):
            pixels[start:stop] = pixels[:, start:stop] = MARKED
    paper = np.full((max(height, 1), side, 3), 255, np.uint8)
    left = (side - width) // 2
    paper[:height, left : left + width] = pixels
    word = [lettering(mark, side, bold=True, ink="#b35300", middle=True)] if mark else []
    return above([paper, lettering(caption, side, middle=True), *word], 4)


def beside(parts: Sequence[Pixels], gap: int = MARGIN) -> Pixels:
    """Pictures in a row on white, aligned at the top."""
    height = max(len(part) for part in parts)
    paper = np.full((height, sum(part.shape[1] for part in parts) + gap * (len(parts) - 1), 3), 255, np.uint8)
    left = 0
    for part in parts:
        paper[: len(part), left : left + part.shape[1]] = part
        left += part.shape[1] + gap
    return paper


def above(parts: Sequence[Pixels], gap: int = MARGIN) -> Pixels:
    """Pictures in a column on white, aligned at the left."""
    return beside([part.swapaxes(0, 1) for part in parts], gap).swapaxes(0, 1)


def _page(title: str, body: Sequence[Pixels], caption: str) -> Pixels:
    """Title, pictures and caption on a white sheet."""
    inner = max([part.shape[1] for part in body] + [360])
    parts = [*([lettering(title, inner, 26, bold=True)] if title else []), *body]
    if caption:
        parts.append(lettering(caption, inner, ink="#555b66"))
    sheet = above(parts, 10)
    return np.pad(sheet, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255)
