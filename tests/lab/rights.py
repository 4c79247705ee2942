"""Files and folders that may not be read, for the administrator no more than for others."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

VERSION = 0x20080522
DAC_OVERRIDE, DAC_READ_SEARCH = 1 << 1, 1 << 2
"""The two rights of Linux by which an administrator passes by the modes of files."""


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """This thread held to the modes of files as anybody else is; skips where the system has no way to do so."""
    if os.geteuid() != 0:
        yield
        return
    before = _rights()
    _set((before[0] & ~(DAC_OVERRIDE | DAC_READ_SEARCH), *before[1:]))
    try:
        yield
    finally:
        _set(before)


@contextmanager
def closed(path: Path) -> Iterator[Path]:
    """A file or folder that may not be read while this lasts."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with bound_by_modes():
            yield path
    finally:
        with suppress(FileNotFoundError):
            path.chmod(mode)


def _rights() -> tuple[int, ...]:
    held = (ctypes.c_uint32 * 6)()
    _call("capget", held)
    return tuple(held)


def _set(held: tuple[int, ...]) -> None:
    _call("capset", (ctypes.c_uint32 * 6)(*held))


def _call(name: str, held: ctypes.Array[ctypes.c_uint32]) -> None:
    header = (ctypes.c_uint32 * 2)(VERSION, 0)
    call = getattr(ctypes.CDLL(None), name, None)
    if call is None or call(header, held):
        pytest.skip("nothing can be closed to the administrator here")
