"""Report: the one result object. Faces render it; none of them computes."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

SCHEMA = "repscope.report/1"


@dataclass(frozen=True, slots=True)
class Null:
    """What the same number is where there is nothing to find.

    Attributes:
        kind: How the null was drawn: "torus shifts", "other images", "permutation", "chance".
        mean, q95: Mean and 95th percentile of the draws.
        p: (1 + #{draws >= value}) / (1 + draws); for measures where less is more alike, <=.
        draws: How many there were; 0 for an exact chance line.
        calibrated: (value - q95) / (best - q95), clamped at 0: the part of the way from the null
            to a perfect match.
        chance: The exact mean over all pairings of the rows, where it is known: the weaker null.
        lower: Whether less is more alike; q95 is then the 5th percentile, the end that is hard to pass.
    """

    kind: str
    mean: float
    q95: float
    p: float | None = None
    draws: int = 0
    calibrated: float | None = None
    chance: float | None = None
    lower: bool = False

    @property
    def exceeded(self) -> bool:
        """Whether the value is past what the null gives 95 times in 100."""
        return self.p is not None and self.p <= 0.05


@dataclass(frozen=True, slots=True)
class Number:
    """One measured value; without a value it says why there is none.

    Attributes:
        label: What it is called on the page.
        value: None where it cannot be computed; `reason` then says why.
        ci: Its interval, by bootstrap over images, at 95 %.
        n: How many things it is a value of (patches, images or pairs), named by `of`.
        definition: The formula, in words or symbols.
        caveats: When it misleads, as far as that is known here.
    """

    label: str
    value: float | None
    ci: tuple[float, float] | None = None
    null: Null | None = None
    n: int | None = None
    of: str = ""
    unit: str = ""
    definition: str = ""
    caveats: tuple[str, ...] = ()
    reason: str = ""


Cell = str | Number


@dataclass(frozen=True, slots=True)
class Table:
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
class Curve:
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
class Heatmap:
    """A matrix of numbers with named rows and columns: every pair of encoders, say."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[Number, ...], ...]
    domain: tuple[float, float] = (0.0, 1.0)
    caption: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels with a caption; a small grid is shown enlarged, patch by patch, never smoothed."""

    caption: str
    pixels: UInt8[NDArray[np.uint8], "H W 3"]


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Pictures side by side: a photo and the PCA map of each encoder, say."""

    title: str
    pictures: tuple[Picture, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
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
class Note:
    """A sentence for the reader; `kind` says how loudly."""

    text: str
    kind: Literal["finding", "note", "warning"] = "note"


Block = Number | Table | Curve | Heatmap | Gallery | Overlay | Note


@dataclass(frozen=True, slots=True)
class Report:
    """The blocks that answer a question, and where they come from.

    Attributes:
        title: The question, with its encoders and photos.
        blocks: In reading order: findings, pictures, tables, then what is seldom asked.
        provenance: Versions, seeds, contracts, input hashes, options: enough to run it again.
        skipped: Inputs that could not be used, with the reason.
    """

    title: str
    blocks: tuple[Block, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()

    def save(
        self, folder: Any, formats: tuple[str, ...] = ("json", "html", "png"), *, force: bool = False
    ) -> dict[str, str]:
        """Write the report in these formats and a manifest; path -> SHA-256 of every file written.

        A folder that holds something already wants `force`; only a report's own files are replaced.
        Raises UnknownName for a format that is none, Unwritable where the folder cannot be written.
        """
        from repscope.render._save import save  # a face's convenience, kept off the ground floor's imports

        return save(self, folder, formats, force=force)

    def numbers(self) -> list[Number]:
        """Every number of the report, wherever it stands, in reading order."""
        found: list[Number] = []
        for block in self.blocks:
            if isinstance(block, Number):
                found.append(block)
            elif isinstance(block, Table):
                found += [cell for row in block.rows for cell in row if isinstance(cell, Number)]
            elif isinstance(block, Heatmap):
                found += [cell for row in block.cells for cell in row]
        return found

    def _repr_html_(self) -> str:
        from repscope.render.html import fragment

        return fragment(self)


def say(value: float | None) -> str:
    """The only place where a number becomes text: three significant digits, three decimals at most above .001.

    >>> say(1234.5), say(0.98765), say(12.0), say(0.0000123), say(None)
    ('1,234', '0.988', '12.0', '1.23e-05', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-3:
        return f"{value:.3g}"
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3
    return f"{value:,.{digits}f}"


def spread(number: Number) -> str:
    """A number with its interval: "0.412 [0.39, 0.43]"."""
    if number.ci is None:
        return say(number.value)
    return f"{say(number.value)} [{say(number.ci[0])}, {say(number.ci[1])}]"


def against(null: Null | None) -> str:
    """A null in a few characters: "q95 0.034, p 0.001", or "chance 0.100" where it is exact."""
    if null is None:
        return ""
    if null.p is None:
        return f"{null.kind} {say(null.mean)}"
    return f"{'q05' if null.lower else 'q95'} {say(null.q95)}, p {say(null.p)}"
