"""Open: a saved report from its folder or file, which may be a stranger's."""

import os
from pathlib import Path

from repscope.errors import UnfitData
from repscope.render.json import from_json
from repscope.report import Report

FILE = "report.json"
LARGEST = 512_000_000
"""Bytes of a saved report at most; one of 200 photos under five encoders has a tenth of them."""


def saved(place: str | os.PathLike[str]) -> Report:
    """The report in a folder or a file; raises UnfitData, in words, for what is none."""
    path = Path(place)
    try:
        file = path / FILE if path.is_dir() else path
        if not file.is_file():  # a pipe or a device would never end
            raise UnfitData(
                f"There is no saved report at {place}: give a report's folder, saved with the format json, or its "
                f"{FILE}."
            )
        if (size := file.stat().st_size) > LARGEST:
            raise UnfitData(f"{file} has {size:,} bytes; a saved report has {LARGEST:,} at most.")
        return from_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if isinstance(error, UnfitData):
            raise
        raise UnfitData(f"The saved report at {place} cannot be read ({error}).") from None
    except MemoryError:
        raise UnfitData(f"The saved report at {place} does not fit into memory.") from None
