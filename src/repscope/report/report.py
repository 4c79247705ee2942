"""Report: the one result object. Faces render it; none of them computes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from repscope.errors import Unsupported
from repscope.report.blocks import Curve, Gallery, Heatmap, Note, Overlay, Table
from repscope.report.number import Number
from repscope.report.points import Points
from repscope.report.probe import Probe
from repscope.report.shown import Shown

SCHEMA = "repscope.report/1"

FRAME = (
    *("block", "row", "column", "label", "value", "low", "high", "null", "null_q95", "p"),
    *("n", "of", "unit", "definition", "caveats", "reason"),
)
"""Columns of a report as a data frame; `null_q95` is the 5 % point where less is more alike."""

Block = Number | Table | Curve | Heatmap | Gallery | Overlay | Probe | Points | Note


@dataclass(frozen=True, slots=True, repr=False)
class Report(Shown):
    """The blocks that answer a question, and where they come from.

    Attributes:
        title: The question, with its encoders and photos.
        blocks: In reading order: findings, pictures, tables, then what is seldom asked.
        provenance: Versions, seeds, contracts, input hashes, options: enough to run it again.
        skipped: Inputs that could not be used, with the reason.
        files: File name -> plain values that are saved under it as JSON, beside the report.
    """

    title: str
    blocks: tuple[Block, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()
    files: dict[str, Any] = field(default_factory=dict)

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
        return [number for *_, number in self.placed()]

    def placed(self) -> Iterator[tuple[str, str, str, Number]]:
        """Every number with the title of its block, its row and its column."""
        for block in self.blocks:
            if isinstance(block, Number):
                yield "", block.label, "", block
            elif isinstance(block, Table):
                for row in block.rows:
                    name = row[0] if row and isinstance(row[0], str) else ""
                    for column, cell in zip(block.header, row, strict=False):
                        if isinstance(cell, Number):
                            yield block.title, name, column, cell
            elif isinstance(block, Heatmap):
                for name, cells in zip(block.rows, block.cells, strict=True):
                    for column, cell in zip(block.columns, cells, strict=True):
                        yield block.title, name, column, cell

    def to_frame(self) -> Any:
        """Every number as a row of a pandas DataFrame: where it stands, value, interval, null, n, unit, definition.

        Raises Unsupported where pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError:
            raise Unsupported("A data frame wants pandas: pip install pandas.") from None
        rows = []
        for block, row, column, number in self.placed():
            low, high = number.ci or (None, None)
            null = number.null
            rows.append(
                {
                    "block": block,
                    "row": row,
                    "column": column,
                    "label": number.label,
                    "value": number.value,
                    "low": low,
                    "high": high,
                    "null": null.kind if null else None,
                    "null_q95": null.q95 if null else None,
                    "p": null.p if null else None,
                    "n": number.n,
                    "of": number.of,
                    "unit": number.unit,
                    "definition": number.definition,
                    "caveats": "; ".join(number.caveats),
                    "reason": number.reason,
                }
            )
        return DataFrame(rows, columns=FRAME)

    def __repr__(self) -> str:
        return f"Report({self.title!r}, {len(self.blocks)} blocks)"

    def as_report(self) -> "Report":
        """Itself."""
        return self
