"""Arrays: a column of vectors as one file that is mapped: made once, from the shards, then there at once."""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.errors import UnfitData, Unwritable
from repscope.images.sets import Place
from repscope.images.sets.place import Local

FOLDER = ".arrays"
"""Beside the shards, hidden: it can be removed at any time."""


def mapped(folder: Place, manifest: Mapping[str, Any], column: str, tables: Iterable[Any]) -> NDArray[np.floating]:
    """All rows of a column of vectors, (N, D), mapped from a file and not to be written to.

    A shard is in memory at a time. Where the folder is in a store, or may not be written to, the file lies among the
    temporary ones of this machine.
    """
    # what was asked does not say what the images were: the files' own digests do
    made = [manifest["job"], *(entry["sha256"] for entry in manifest["shards"]), column]
    name = hashlib.sha256("|".join(map(str, made)).encode()).hexdigest()[:24] + ".npy"
    places = [folder.path / FOLDER] if isinstance(folder, Local) else []
    places.append(Path(tempfile.gettempdir()) / f"repscope-{os.getuid() if hasattr(os, 'getuid') else 'arrays'}")
    for where in places:
        if (found := _known(where / name, manifest["rows"])) is not None:
            return found
    for where in places:
        try:
            where.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(where, os.W_OK):
            _made(where / name, manifest["rows"], column, tables)
            found = _known(where / name, manifest["rows"])
            if found is not None:
                return found
    raise Unwritable(
        f"Neither {folder} nor the folder for temporary files can hold the vectors of {column}; make room."
    )


def _known(path: Path, rows: int) -> NDArray[np.floating] | None:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.ndim == 2 and len(found) == rows else None


def _made(path: Path, rows: int, column: str, tables: Iterable[Any]) -> None:
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    array, at = None, 0
    try:
        for table in tables:
            values = table.column(column).combine_chunks()
            part = values.flatten().to_numpy(zero_copy_only=False).reshape(len(values), values.type.list_size)
            if array is None:
                array = np.lib.format.open_memmap(aside, "w+", part.dtype, (rows, part.shape[1]))
            if at + len(part) > rows:
                raise UnfitData(f"The shards have more rows than the manifest says ({rows}); embed the set again.")
            array[at : at + len(part)] = part
            at += len(part)
        if array is None or at != rows:
            raise UnfitData(f"The shards have {at} rows, the manifest says {rows}; embed the set again.")
        array.flush()
        del array
        aside.replace(path)
    except OSError as error:
        raise Unwritable(f"Cannot write {path}: {error.strerror or error}. Make room, and ask again.") from None
    finally:
        aside.unlink(missing_ok=True)
