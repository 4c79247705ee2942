"""Answers: the reports that are there so far, and where in them a page finds what it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from repscope.report import Block, Curve, Heatmap, Note, Number, Probe, Report, Table

B = TypeVar("B", bound=Block)
READINGS = "reading"


@dataclass(frozen=True)
class Answers:
    """What was answered of some photos.

    Attributes:
        names: Every encoder that was named, in order.
        compared: The report of compare, or None until it is there.
        reason: Why nothing is compared.
        inspected: The report of inspect for each encoder that has one.
        refused: Why an encoder has none.
        skipped: Photos that could not be used.
    """

    names: tuple[str, ...] = ()
    compared: Report | None = None
    reason: str = ""
    inspected: Mapping[str, Report] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def main(self) -> Report | None:
        """What stands on the pages that are not of one encoder: the comparison, else the first encoder's report."""
        return self.compared or next(iter(self.inspected.values()), None)

    @property
    def probe(self) -> Probe | None:
        return next(iter(blocks(self.main, Probe)), None)

    @property
    def notes(self) -> list[Note]:
        return blocks(self.main, Note)

    @property
    def heatmaps(self) -> list[Heatmap]:
        return blocks(self.main, Heatmap)

    @property
    def spectrum(self) -> Curve | None:
        return next((curve for curve in blocks(self.main, Curve) if curve.log_x and curve.log_y), None)

    @property
    def readings(self) -> Table | None:
        """A row for each reading, a column for each encoder."""
        return readings(self.main)

    def number(self, title: str, encoder: str) -> Number | None:
        """One reading of one encoder, by the reading's title."""
        table = self.readings
        if table is None or encoder not in table.header:
            return None
        cells = (row[table.header.index(encoder)] for row in table.rows if row[0] == title)
        return next((cell for cell in cells if isinstance(cell, Number)), None)


def blocks(report: Report | None, kind: type[B]) -> list[B]:
    """All blocks of a kind, in reading order."""
    return [block for block in report.blocks if isinstance(block, kind)] if report else []


def readings(report: Report | None) -> Table | None:
    """The table that has every reading."""
    return next((table for table in blocks(report, Table) if table.header[0] == READINGS), None)
