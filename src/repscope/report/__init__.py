"""Report: the one result object, its blocks, and how a number becomes text."""

from repscope.report.blocks import Cell, Curve, Gallery, Heatmap, Line, Note, Overlay, Picture, Table
from repscope.report.number import Null, Number, against, say, spread
from repscope.report.points import Colouring, Map, Points, Thumbnails
from repscope.report.probe import Look, Panel, Pin, Probe, Snapshot
from repscope.report.report import SCHEMA, Block, Report

__all__ = [
    "SCHEMA",
    "Block",
    "Cell",
    "Colouring",
    "Curve",
    "Gallery",
    "Heatmap",
    "Line",
    "Look",
    "Map",
    "Note",
    "Null",
    "Number",
    "Overlay",
    "Panel",
    "Picture",
    "Pin",
    "Points",
    "Probe",
    "Report",
    "Snapshot",
    "Table",
    "Thumbnails",
    "against",
    "say",
    "spread",
]
