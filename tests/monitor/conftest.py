"""Small held-out images, and one thread."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor


@pytest.fixture(scope="session", autouse=True)
def _single_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def held() -> Tensor:
    return torch.randn(40, 3, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def held_views(held: Tensor) -> Tensor:
    return held[:20, None] + 0.3 * torch.randn(20, 3, 3, 4, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def held_labels() -> Tensor:
    return torch.arange(40) % 4
