"""Blocks: what a report is made of, beside numbers and the probe."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from repscope.report.number import Number
from repscope.report.shown import Shown

Cell = str | Number


@dataclass(frozen=True, slots=True)
class Table(Shown):
    """Rows of cells under a header. Numbers carry their own units and definitions."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One named line of a curve; `low` and `high` bound its band where there is one."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Curve(Shown):
    """Lines over a common axis; `bars` draws them as histograms with x the left edges."""

    title: str
    lines: tuple[Line, ...]
    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    style: Literal["line", "bars"] = "line"
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Heatmap(Shown):
    """A matrix of numbers with named rows and columns: every pair of encoders, say."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Number, ...], ...]
    domain: tuple[float, float] = (0.0, 1.0)
    caption: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels with a caption; a small grid is shown enlarged, patch by patch, never smoothed.

    Attributes:
        mark: A word or two that set it apart from the pictures beside it: "shared by 2". It is framed.
    """

    caption: str
    pixels: UInt8[NDArray[np.uint8], "H W 3"]
    mark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Gallery(Shown):
    """Pictures side by side: a photo and the PCA map of each encoder, say.

    Attributes:
        across: How many stand in a row, where rows mean something; 0 for as many as have room.
    """

    title: str
    pictures: tuple[Picture, ...]
    caption: str = ""
    across: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Overlay(Shown):
    """Values of patches over the photo they were shown: a similarity map, say.

    Attributes:
        photo: What the encoder was shown, (H, W, 3).
        values: (h, w), one per patch.
        domain: Ends of the colour scale.
        mark: Row and column of the patch the question was about, where there is one.
    """

    title: str
    photo: UInt8[NDArray[np.uint8], "H W 3"]
    values: Float[NDArray[np.floating], "h w"]
    domain: tuple[float, float]
    mark: tuple[int, int] | None = None
    unit: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Note(Shown):
    """A sentence for the reader; `kind` says how loudly: `faint` is a finding that does not hold, with the reason."""

    text: str
    kind: Literal["finding", "note", "warning", "faint"] = "note"
