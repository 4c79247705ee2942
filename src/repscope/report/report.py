"""Report: the one result object. Faces render it; none of them computes."""

from dataclasses import dataclass, field
from typing import Any

from repscope.report.blocks import Curve, Gallery, Heatmap, Note, Overlay, Table
from repscope.report.number import Number
from repscope.report.probe import Probe

SCHEMA = "repscope.report/1"

Block = Number | Table | Curve | Heatmap | Gallery | Overlay | Probe | Note


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
