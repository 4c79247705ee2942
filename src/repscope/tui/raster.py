"""Raster: a picture in the terminal's own pixels, by sixels or kitty's protocol."""

import numpy as np
from PIL import Image, ImageDraw
from textual.app import ComposeResult
from textual.strip import Strip
from textual_image._terminal import get_cell_size
from textual_image.renderable import Image as Best
from textual_image.renderable import TGPImage as Kitty
from textual_image.widget import SixelImage, TGPImage

from repscope.tui.picture import Drawing, Picture, box_of, stretched
from repscope.tui.terminal import Terminal

FRAME = 2


class Raster(Picture):
    """A drawing whose patches are many pixels."""

    DEFAULT_CSS = "Raster { layout: vertical; }"

    def __init__(self, terminal: Terminal):
        super().__init__(terminal)
        self.pixelated = TGPImage() if Best is Kitty else SixelImage()

    def compose(self) -> ComposeResult:
        yield self.pixelated

    def draw(self, drawing: Drawing, columns: int, lines: int) -> None:
        self.drawing, cell = drawing, get_cell_size()
        self.styles.width, self.styles.height = columns, lines
        image = rastered(drawing, columns * cell.width, lines * cell.height)
        self.pixelated.styles.width, self.pixelated.styles.height = columns, lines
        self.pixelated.image = image

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        return Strip.blank(self.size.width)


def rastered(drawing: Drawing, width: int, height: int) -> Image.Image:
    """The drawing at this size, with boxes on its marks."""
    image = Image.fromarray(np.ascontiguousarray(stretched(drawing.pixels, width, height)))
    pen = ImageDraw.Draw(image)
    for mark in drawing.marks:
        top, bottom, left, right = box_of(mark, drawing.grid, width, height)
        box = left, top, right - 1, bottom - 1
        if mark.letter and mark.letter != "×":
            pen.text((box[0] + 3, box[1] + 1), mark.letter, fill="white", stroke_width=1, stroke_fill="black")
        inner = left + 1, top + 1, right - 2, bottom - 2
        pen.rectangle(box, outline="black", width=FRAME + 2)
        if inner[0] <= inner[2] and inner[1] <= inner[3]:
            pen.rectangle(inner, outline="white", width=FRAME)
    return image
