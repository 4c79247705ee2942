"""Models of transformers, saved once for all tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import transformers
from hub_server import Hub, point, serving
from huggingface_hub import constants
from oracle import CASES, Published, publish


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Published]:
    """Saved models by the name of their case, made when first asked for."""
    made: dict[str, Published] = {}

    def get(name: str) -> Published:
        if name not in made:
            made[name] = publish(CASES[name], tmp_path_factory.mktemp("published"))
        return made[name]

    return get


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub, no token, and a hub that nobody is at."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    point("http://127.0.0.1:1", monkeypatch)
    return tmp_path / "home" / "hub"


Served = Callable[..., Hub]


@pytest.fixture
def served(cache, monkeypatch) -> Iterator[Served]:
    """A hub that has these files, started with whatever is to go wrong in it; the client is sent there."""
    with ExitStack() as stack:

        def start(files: dict[str, bytes], **wrong) -> Hub:
            started = stack.enter_context(serving(Hub(files, **wrong)))
            point(started.address, monkeypatch)
            return started

        yield start
