"""A published shape with random weights, made once; no test asks the network."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers
from oracle import CASES, Published, publish
from trial import dinov2_small, saved

from repscope.checks import _picture


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))
    _picture._fetched.cache_clear()
    yield
    _picture._fetched.cache_clear()


@pytest.fixture(scope="session")
def model() -> Any:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return dinov2_small()


@pytest.fixture(scope="session")
def random_weights(model, tmp_path_factory) -> Path:
    """A folder that nobody may change."""
    return saved(model, tmp_path_factory.mktemp("dinov2"))


@pytest.fixture
def copy(random_weights, tmp_path) -> Path:
    """A folder to spoil."""
    return Path(shutil.copytree(random_weights, tmp_path / "copy"))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Published]:
    """Small models of every family by the name of their case, made when first asked for."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    made: dict[str, Published] = {}

    def get(name: str) -> Published:
        if name not in made:
            made[name] = publish(CASES[name], tmp_path_factory.mktemp("published"))
        return made[name]

    return get
