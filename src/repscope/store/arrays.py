"""Arrays: a column of vectors as one file that is mapped: made once, from the shards, then there at once."""

import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.errors import UnfitData, Unwritable
from repscope.images.sets import Place
from repscope.images.sets.place import Local

FOLDER = ".arrays"
"""Beside the shards, hidden: it can be removed at any time."""


def mapped(
    folder: Place, manifest: Mapping[str, Any], column: str, tables: Callable[[], Iterable[Any]]
) -> NDArray[np.floating]:
    """All rows of a column of vectors, (N, D), mapped from a file and not to be written to.

    A shard is in memory at a time. Where the folder is in a store, or may not be written to, the file lies among the
    temporary ones of this machine.
    """
    # what was asked does not say what the images were: the files' own digests do
    made = [manifest["job"], *(entry["sha256"] for entry in manifest["shards"]), column]
    name = hashlib.sha256("|".join(map(str, made)).encode()).hexdigest()[:24] + ".npy"
    places = [folder.path / FOLDER] if isinstance(folder, Local) else []
    places.append(Path(tempfile.gettempdir()) / f"repscope-{os.getuid() if hasattr(os, 'getuid') else 'arrays'}")
    places = [where for where in places if _ours(where)]
    for where in places:
        if (found := _known(where / name, manifest["rows"])) is not None:
            return found
    for where in places:
        try:
            _made(where / name, manifest["rows"], column, tables())
        except OSError:  # no room, or not ours to write: the next may do
            continue
        found = _known(where / name, manifest["rows"])
        if found is not None:
            return found
    raise Unwritable(
        f"Neither {folder} nor the folder for temporary files can hold the vectors of {column}; make room."
    )


def _ours(where: Path) -> bool:
    """Whether a folder can be made, or is one that nobody else has laid there."""
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = where.lstat()
    except OSError:
        return False
    if where.name == FOLDER:
        return stat.S_ISDIR(about.st_mode)
    mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    return stat.S_ISDIR(about.st_mode) and mine and not about.st_mode & 0o077


def _known(path: Path, rows: int) -> NDArray[np.floating] | None:
    try:
        found = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError):
        return None
    fit = found.ndim == 2 and len(found) == rows and found.dtype in (np.float32, np.float16)
    return found if fit else None


def _made(path: Path, rows: int, column: str, tables: Iterable[Any]) -> None:
    """Written front to back: a mapped file that finds no room for a page would end the process."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    at, header = 0, None
    try:
        with aside.open("xb") as file:
            for table in tables:
                part = as_array(table.column(column))
                if header is None:
                    header = {"descr": part.dtype.str, "fortran_order": False, "shape": (rows, part.shape[1])}
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(np.ascontiguousarray(part).data)
                at += len(part)
            if at != rows:
                raise UnfitData(f"The shards have {at} rows, the manifest says {rows}; embed the set again.")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def as_array(values: Any) -> NDArray[Any]:
    """A column of Arrow as numpy: vectors as (n, D)."""
    import pyarrow

    whole = values.combine_chunks()
    if pyarrow.types.is_fixed_size_list(whole.type):
        return whole.flatten().to_numpy(zero_copy_only=False).reshape(len(whole), whole.type.list_size)
    return whole.to_numpy(zero_copy_only=False)
