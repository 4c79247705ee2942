"""Models of transformers, saved once for all tests of this folder."""

from collections.abc import Callable

import pytest
import transformers
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
