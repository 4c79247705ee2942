"""Parquet: files in the Hugging Face image layout, with further columns of text and numbers."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from repscope.errors import RepscopeError, UnfitData
from repscope.images.sets.image_set import Item, Part, digest_of
from repscope.images.sets.place import Entry, Place

LAYOUT = "the Hugging Face image layout has a column `image` of {bytes, path} and, where known, `label`"
ROWS = 256
"""Rows that are unpacked at once."""


@dataclass(frozen=True, slots=True)
class About:
    """What the footer of a file says: rows of each group, columns of text and numbers, and names of classes."""

    groups: tuple[int, ...]
    columns: tuple[str, ...]
    labelled: bool
    classes: tuple[str, ...]


@final
class Parquet(Part):
    """The rows of one file. Reading goes on where it stopped; anything else begins at the row group it lies in."""

    def __init__(self, place: Place, name: str):
        self.place, self.name = place, name
        self._at, self._rest = -1, iter(())

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The file, closed at the end: a set may have very many."""
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile

        try:
            with self.place.open() as source:
                yield ParquetFile(source)
        except RepscopeError:
            raise
        except (ArrowException, OSError, UnicodeDecodeError) as error:
            raise _unread(self.place, error) from None

    @cached_property
    def _about(self) -> "About":
        """What its footer says; the file is closed again, for a set may have very many."""
        with self._opened() as file:
            schema, groups = file.schema_arrow, file.metadata
            if "image" not in schema.names:
                raise UnfitData(f"{self.place} has the columns {', '.join(schema.names)}; {LAYOUT}.")
            rows = tuple(groups.row_group(k).num_rows for k in range(groups.num_row_groups))
            return About(rows, _texts(schema), "label" in schema.names, _classes(schema.metadata or {}))

    def __reduce__(self) -> Any:
        """Sent to another process it begins anew: an open file is nobody else's."""
        return Parquet, (self.place, self.name)

    def __len__(self) -> int:
        return sum(self._about.groups)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of text and numbers, beside the label."""
        return self._about.columns

    def items(self, start: int, stop: int) -> Iterator[Item]:
        if start != self._at:
            self._rest = self._rows(start)
        self._at = -1  # nobody goes on from a reading that was given up
        for index in range(start, stop):
            try:
                row = next(self._rest)
            except StopIteration:
                raise UnfitData(f"{self.place} has fewer rows than it says; copy or download it again.") from None
            if index + 1 == stop:  # before it is handed out: nobody asks for one more
                self._at = stop
            if index + 1 == len(self):
                self._at, self._rest = -1, iter(())
            yield self._item(index, row)

    def _item(self, index: int, row: dict[str, Any]) -> Item:
        image, where = row["image"], f"{self.place}#{index}"
        data = image.get("bytes") if isinstance(image, dict) else image
        others = {name: None if row[name] is None else str(row[name]) for name in self.columns}
        label = _named(row.get("label"), self._about.classes)
        reason = "" if isinstance(data, bytes) else f"the image's bytes are not there; {LAYOUT}"
        return Item(f"{self.name}#{index}", where, data if isinstance(data, bytes) else None, label, others, reason)

    def _rows(self, start: int) -> Iterator[dict[str, Any]]:
        about, before, first = self._about, 0, 0
        while first < len(about.groups) and before + about.groups[first] <= start:
            before, first = before + about.groups[first], first + 1
        wanted = ["image", *about.columns, *(["label"] if about.labelled else [])]
        skip = start - before
        with self._opened() as file:
            groups = range(first, len(about.groups))
            for batch in file.iter_batches(batch_size=ROWS, row_groups=groups, columns=wanted, use_threads=False):
                if skip >= len(batch):
                    skip -= len(batch)
                    continue
                yield from batch.slice(skip).to_pylist()
                skip = 0

    @cached_property
    def _entry(self) -> Entry:
        return self.place.entry()

    def changed(self, start: int, stop: int) -> float:  # noqa: ARG002
        return self._entry.changed

    @property
    def digest(self) -> str:
        about = self._about
        return digest_of(iter([f"{self.name}\0{self._entry.size}\0{len(self)}\0{about.columns}\0{about.classes}"]))


def _texts(schema: Any) -> tuple[str, ...]:
    from pyarrow import types

    told = (types.is_string, types.is_large_string, types.is_integer, types.is_boolean, types.is_floating)
    return tuple(f.name for f in schema if f.name not in ("image", "label") and any(is_(f.type) for is_ in told))


def _classes(metadata: Mapping[bytes, bytes]) -> tuple[str, ...]:
    """The names of classes, where the file knows them: their numbers are labels."""
    try:
        names = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]["label"]["names"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _named(label: Any, names: Sequence[Any]) -> str | None:
    if label is None or label == -1:
        return None
    if isinstance(label, int) and 0 <= label < len(names):
        return str(names[label])
    return str(label)


def _unread(place: Place, error: Exception) -> UnfitData:
    said = re.sub(r"\s+", " ", str(error)).rstrip(".")
    return UnfitData(f"{place} cannot be read as Parquet: {said}. Fetch or copy it again.")
