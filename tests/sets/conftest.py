"""A cache of its own for every test: none finds what another has embedded."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
