"""Embedding Atlas: the images of a map as one Parquet file, which that tool and any other reads."""

import os
import re
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np

from repscope.errors import UnfitData, Unwritable
from repscope.report import Map, Points, Report


def points_of(report: Report) -> Points:
    """The map of a report; raises UnfitData where it has none."""
    found = next((block for block in report.blocks if isinstance(block, Points)), None)
    if found is None:
        raise UnfitData(f"An export wants a report of `map`; {report.title!r} has no map of images.")
    return found


def embedding_atlas(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write the map of a report as Parquet: `id`, and for each encoder `x_`, `y_` and `neighbors_` with its name.

    Colours are columns of their own: classes as text, readings as float32. Neighbours are as the tool wants
    them, `{"ids": [...], "distances": [...]}`, ids being row numbers; the map holds their order and not how
    far they are, so distances are ranks 1 to k. Then, once for each encoder:

        embedding-atlas FILE --text id --x x_NAME --y y_NAME --neighbors neighbors_NAME

    Written aside and renamed. Raises UnfitData for a report without a map, Unwritable.
    """
    import pyarrow.parquet as parquet

    path = Path(path)
    table = _table(points_of(report))
    aside = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, aside, compression="zstd")
        aside.replace(path)
    except OSError as error:
        raise Unwritable(f"Cannot write {path}: {error.strerror or error}. Choose a place you may write to.") from None
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    return path


def _table(points: Points) -> Any:
    import pyarrow as pa

    columns: dict[str, Any] = {"id": pa.array(_encodable(each) for each in points.ids)}
    for each in points.maps:
        if each.places:
            name = column(each.encoder, columns, "x_")
            columns[f"x_{name}"], columns[f"y_{name}"] = (pa.array(each.xy[:, axis]) for axis in range(2))
            if each.neighbours:
                columns[f"neighbors_{name}"] = _neighbours(each)
    for each in points.colours:
        values = each.array
        if each.classes:
            named = [None if np.isnan(value) else _encodable(each.classes[int(value)]) for value in values]
            columns[column(each.name, columns)] = pa.array(named, pa.string())
        else:
            columns[column(each.name, columns)] = pa.array(values, mask=np.isnan(values))
    return pa.table(columns)


def _neighbours(each: Map) -> Any:
    import pyarrow as pa

    count, k = each.nearest.shape
    starts = pa.array(np.arange(0, k * count + 1, k, dtype=np.int32))
    ids = pa.ListArray.from_arrays(starts, pa.array(each.nearest.ravel().astype(np.int64)))
    ranks = pa.ListArray.from_arrays(starts, pa.array(np.tile(np.arange(1, k + 1, dtype=np.float32), count)))
    return pa.StructArray.from_arrays([ids, ranks], ["ids", "distances"])


def column(name: str, taken: Any, prefix: str = "") -> str:
    """A name that needs no quotes: letters, digits and underscores, numbered where another has it.

    >>> column("norm of the embedding (tiny-mae)", ())
    'norm_of_the_embedding_tiny_mae'
    """
    stem = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "column"
    found, number = stem, 1
    while prefix + found in taken:
        number += 1
        found = f"{stem}_{number}"
    return found


def _encodable(text: str) -> str:
    """Half a surrogate pair, of a file name that is not UTF-8, as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()
