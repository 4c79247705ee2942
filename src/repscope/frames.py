"""Frame: the part of a photo an encoder was shown; and how two grids come to lie on each other."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.errors import UnfitData

Array = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle in fractions of the photo's width and height; (0, 0) is the top left corner.

    >>> Frame.square(200, 100)
    Frame(left=0.25, top=0.0, right=0.75, bottom=1.0)
    """

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @classmethod
    def square(cls, width: int, height: int) -> "Frame":
        """The largest central square of a photo of this size in pixels."""
        side = min(width, height)
        across, down = (1 - side / width) / 2, (1 - side / height) / 2
        return cls(across, down, 1 - across, 1 - down)

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Share of the photo that it covers."""
        return self.width * self.height

    def patch(self, across: float, down: float, grid: tuple[int, int]) -> tuple[int, int] | None:
        """Row and column of the patch at a point of the photo; None for a point outside of the frame."""
        x, y = (across - self.left) / self.width, (down - self.top) / self.height
        if not (0 <= x <= 1 and 0 <= y <= 1):
            return None
        return min(int(y * grid[0]), grid[0] - 1), min(int(x * grid[1]), grid[1] - 1)

    def centre(self, row: int, column: int, grid: tuple[int, int]) -> tuple[float, float]:
        """The middle of a patch, across and down in fractions of the photo."""
        return self.left + (column + 0.5) / grid[1] * self.width, self.top + (row + 0.5) / grid[0] * self.height

    def common(self, other: "Frame") -> "Frame":
        """The part both frames cover; raises UnfitData where they cover none."""
        both = Frame(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )
        if both.width <= 0 or both.height <= 0:
            raise UnfitData(f"Two frames that share nothing cannot be compared: {self} and {other}.")
        return both


def _weights(
    cells: int, low: float, high: float, points: int, start: float, stop: float
) -> Float[Array, "points cells"]:
    """Triangle-filter weights from `cells` between low and high to `points` between start and stop.

    Where the points lie wider apart than the cells the triangle widens with them (antialiasing);
    otherwise this is linear interpolation, held constant beyond the outermost centres.
    """
    unit = (high - low) / cells
    centres = start + (np.arange(points) + 0.5) * (stop - start) / points
    places = np.clip((centres - low) / unit - 0.5, 0, cells - 1)
    reach = max((stop - start) / points / unit, 1.0)
    weights = np.clip(1 - np.abs(places[:, None] - np.arange(cells)) / reach, 0, None)
    return weights / weights.sum(1, keepdims=True)


def resampled(
    patches: Float[Array, "H W D"], frame: Frame, onto: Frame, grid: tuple[int, int]
) -> Float[Array, "h w D"]:
    """Patches that cover `frame`, at the centres of a grid over `onto`: bilinear, antialiased."""
    if frame == onto and grid == patches.shape[:2]:
        return patches
    rows = _weights(patches.shape[0], frame.top, frame.bottom, grid[0], onto.top, onto.bottom)
    columns = _weights(patches.shape[1], frame.left, frame.right, grid[1], onto.left, onto.right)
    across = np.einsum("wj,ijd->iwd", columns, patches, optimize=True)
    return np.einsum("hi,iwd->hwd", rows, across, optimize=True).astype(patches.dtype, copy=False)


@dataclass(frozen=True, slots=True)
class Overlay:
    """How two grids were laid on each other: the common frame, the grid used, and the shares kept."""

    frame: Frame
    grid: tuple[int, int]
    overlap: tuple[float, float]

    @property
    def same(self) -> bool:
        """Whether both encoders were shown the same part of the photo."""
        return min(self.overlap) > 1 - 1e-9


def _within(patches: Array, frame: Frame, common: Frame) -> tuple[int, int]:
    """Patches of a grid that fall into a part of its frame, by rows and columns."""
    rows = round(patches.shape[0] * common.height / frame.height)
    columns = round(patches.shape[1] * common.width / frame.width)
    return max(rows, 1), max(columns, 1)


def registered(
    x: Float[Array, "H W D"], x_frame: Frame, y: Float[Array, "h w E"], y_frame: Frame
) -> tuple[Float[Array, "r c D"], Float[Array, "r c E"], Overlay]:
    """Both grids on the coarser one of each axis, over the common frame.

    Patch (i, j) of a 14 x 14 and of a 16 x 16 grid look at different places; after this, row i and
    column j of both results look at the same place of the photo. Raises UnfitData where the
    frames share nothing.
    """
    common = x_frame.common(y_frame)
    one, other = _within(x, x_frame, common), _within(y, y_frame, common)
    grid = (min(one[0], other[0]), min(one[1], other[1]))
    overlay = Overlay(common, grid, (common.area / x_frame.area, common.area / y_frame.area))
    return resampled(x, x_frame, common, grid), resampled(y, y_frame, common, grid), overlay
