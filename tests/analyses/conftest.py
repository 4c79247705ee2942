"""Encoders whose tokens are known, and photos to show them."""

import numpy as np
import pytest
from known import Known, noisy_photo, smooth

from repscope.images import Photo


@pytest.fixture
def photos() -> list[Photo]:
    return [noisy_photo(f"photo {k}.png", 1000 + 7 * k) for k in range(6)]


@pytest.fixture
def encoders() -> list[Known]:
    """`one` and a rotated, scaled, shifted `copy` of it, `other` that has nothing to do with them."""
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    return [
        Known("one", lambda photo, layer: smooth(photo, (9, 9), 12, 0), cls=True),
        Known("copy", lambda photo, layer: 7 * smooth(photo, (9, 9), 12, 0) @ turn + 3),
        Known("other", lambda photo, layer: smooth(photo, (9, 9), 9, 5)),
    ]
