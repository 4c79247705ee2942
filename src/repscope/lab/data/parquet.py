"""Parquet: files in the Hugging Face image layout."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repscope.errors import UnfitData

LAYOUT = "the Hugging Face image layout has a column `image` of {bytes, path} and, where known, `label`"

MOST = 1_000_000
"""No data set numbers this many classes: such a label is an id, and a head of its size would fill the memory."""


@dataclass(frozen=True)
class ParquetFiles:
    """The rows of these files, one file after the other.

    Raises UnfitData for a file of another layout.
    """

    paths: tuple[Path, ...]

    def __post_init__(self) -> None:
        for path in self.paths:
            names = _opened(path).schema_arrow.names
            if "image" not in names:
                raise UnfitData(f"{path} has the columns {', '.join(names)}; {LAYOUT}.")

    def __len__(self) -> int:
        return sum(_opened(path).metadata.num_rows for path in self.paths)

    def __str__(self) -> str:
        return ", ".join(map(str, self.paths))

    @property
    def files(self) -> Iterator[Path]:
        return iter(self.paths)

    def labels(self) -> list[int]:
        return [label for path in self.paths for label in _labels(path)]

    def images(self) -> Iterator[tuple[str, bytes]]:
        """Rows a few at a time: a whole column as Python objects would be held twice."""
        for path in self.paths:
            for place, row in enumerate(_rows(path)):
                yield f"{path}, row {place}", _bytes(row, f"{path}, row {place}")


def _opened(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise _unread(path, error) from None


def _unread(path: Path, error: Exception) -> UnfitData:
    said = " ".join(str(error).split()).rstrip(".")
    return UnfitData(f"{path} cannot be read as Parquet: {said}. Fetch or copy it again.")


def _rows(path: Path) -> Iterator[Any]:
    from pyarrow import ArrowException

    try:
        for batch in _opened(path).iter_batches(batch_size=256, columns=["image"]):
            yield from batch.column(0).to_pylist()
    except (ArrowException, OSError) as error:
        raise _unread(path, error) from None


def _bytes(row: Any, source: str) -> bytes:
    data = row.get("bytes") if isinstance(row, dict) else None
    if not isinstance(data, bytes):
        raise UnfitData(f"{source}: the image's bytes are not there; {LAYOUT}.")
    return data


def _labels(path: Path) -> list[int]:
    from pyarrow import ArrowException

    file = _opened(path)
    if "label" not in file.schema_arrow.names:
        return [-1] * file.metadata.num_rows
    try:
        said = file.read(columns=["label"]).column("label").to_pylist()
    except (ArrowException, OSError) as error:
        raise _unread(path, error) from None
    labels = [-1 if label is None else label for label in said]
    if not all(isinstance(label, int) and label < MOST for label in labels):
        raise UnfitData(f"{path} has labels that are no whole numbers below {MOST:,}; number the classes from 0.")
    return labels
