"""Save: a report's files in a folder, each whole or not there, and a manifest of what they are."""

import os
import re
from collections.abc import Iterable, Mapping
from errno import EACCES, EEXIST, ENOTDIR, ENOTEMPTY
from hashlib import sha256
from json import JSONDecodeError, dumps, loads
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from typing import Any

from repscope.errors import UnfitData, Unwritable
from repscope.render import media
from repscope.render.json import plain
from repscope.report import Report

MANIFEST = "manifest.json"
SCHEMA = "repscope.manifest/1"
SUFFIX = {"text": "txt"}
PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]*\.json")


def save(
    report: Report, folder: str | os.PathLike[str], formats: Iterable[str], *, force: bool = False
) -> dict[str, str]:
    """Write the report in these formats and a manifest; path -> SHA-256 of every file written.

    Everything is made before anything is written, written aside and then renamed: a new folder
    as a whole, so it is there with everything in it or not at all; in an old one file by file, the
    manifest last, so a manifest that is there speaks of files that are.

    Args:
        force: Write into a folder that holds something already. Files of the same names are
            replaced, files that only the old manifest lists are removed unless they were changed
            since, and nothing else is touched.

    Raises UnknownName for a format that is none, UnfitData for a file's name that is none of a file beside a
    report, Unwritable where the folder cannot be written.
    """
    files = _made(report, formats)
    folder = Path(folder)
    new = not folder.exists()
    prepare(folder, force)
    entries = {name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)} for name, content in files.items()}
    old = _listed(folder)
    manifest = {
        "schema": SCHEMA,
        "title": report.title,
        "files": entries,
        "provenance": plain(report.provenance),
    }
    files[MANIFEST] = (dumps(manifest, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()
    if new:
        _appear(folder, files)
    else:
        _write(folder, files)
    for name in old.keys() - files.keys():
        _remove_unchanged(folder / name, old[name])
    return {str(folder / name): sha256(content).hexdigest() for name, content in files.items()}


def _made(report: Report, formats: Iterable[str]) -> dict[str, bytes]:
    """File name -> content of every format, in the order asked, and of the report's own files."""
    makers = {name: media[name] for name in dict.fromkeys(formats)}
    files: dict[str, bytes] = {}
    for name, make in makers.items():
        made = make(report)
        if isinstance(made, str):
            made = {f"report.{SUFFIX.get(name, name)}": made.encode()}
        files.update(made)
    for name, content in report.files.items():
        if not PLAIN.fullmatch(name) or name in (MANIFEST, *files):  # a report may be a stranger's
            raise UnfitData(f"A report's file wants a plain name of its own that ends in .json; got {name!r}.")
        files[name] = (dumps(plain(content), indent=2, allow_nan=False) + "\n").encode()
    return files


def prepare(folder: Path, force: bool) -> None:
    """Refuse a folder that could not take the report; nothing is made yet, so a failed run leaves nothing."""
    if folder.exists() and not folder.is_dir():
        raise Unwritable(f"A report is saved as a folder; {folder} is a file. Choose another name.")
    try:
        nearest = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not nearest.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR))
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
        occupied = folder.exists() and any(folder.iterdir())
        embedded = (folder / "job.json").exists()
    except OSError as error:
        raise Unwritable(_because(folder, error)) from None
    if embedded:
        raise Unwritable(f"{folder} holds images embedded by `repscope embed`, and no report. Choose another folder.")
    if occupied and not force:
        raise Unwritable(
            f"{folder} already holds files. Choose another folder, or add --force to replace the report in it."
        )


def _because(path: Path, error: OSError) -> str:
    return f"Cannot write {path}: {error.strerror or error}. Choose a folder you may write to, with room left."


def _listed(folder: Path) -> Mapping[str, str]:
    """Plain file name -> SHA-256 of what an earlier manifest says it wrote; empty where there is none to trust."""
    try:
        said: Any = loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = said["files"] if said["schema"] == SCHEMA else {}
        return {name: entry["sha256"] for name, entry in files.items() if name == Path(name).name and name != MANIFEST}
    except (OSError, UnicodeDecodeError, JSONDecodeError, KeyError, TypeError, AttributeError):
        return {}


def _appear(folder: Path, files: Mapping[str, bytes]) -> None:
    """A folder that was not there, with all files in it at once."""
    aside = folder.with_name(f".{folder.name[:100]}.{token_hex(4)}.part")
    try:
        aside.mkdir(parents=True)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        aside.replace(folder)
    except OSError as error:
        if error.errno in (ENOTEMPTY, EEXIST):
            raise Unwritable(f"{folder} appeared meanwhile and holds files. Choose another folder.") from None
        raise Unwritable(_because(folder, error)) from None
    finally:
        rmtree(aside, ignore_errors=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Every file aside first, then renamed in order; what was set aside goes where any of it fails."""
    aside = {name: folder / f"{name}.part" for name in files}
    try:
        for name, path in aside.items():
            path.unlink(missing_ok=True)  # left by a killed run, or a link laid there
            with path.open("xb") as file:
                file.write(files[name])
        for name, path in aside.items():
            path.replace(folder / name)
    except OSError as error:
        raise Unwritable(_because(folder, error)) from None
    finally:
        for path in aside.values():
            if path.is_file():
                path.unlink(missing_ok=True)


def _remove_unchanged(path: Path, digest: str) -> None:
    if path.is_file() and not path.is_symlink() and sha256(path.read_bytes()).hexdigest() == digest:
        path.unlink(missing_ok=True)
