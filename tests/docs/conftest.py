"""The manual as one text, and a folder to try it in."""

from pathlib import Path

import pytest
from manual import PAGES


@pytest.fixture(scope="session")
def manual() -> str:
    """All pages as one text."""
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


@pytest.fixture
def desk(tmp_path, monkeypatch) -> Path:
    """A folder to try things in: a photo, and a folder of two."""
    import numpy as np
    from PIL import Image

    down, across = np.mgrid[0:1:96j, 0:1:120j]
    noise = np.random.default_rng(0).normal(10, 6, (96, 120, 3))
    colours = np.stack([down, 0.5 + 0.5 * np.sin(9 * across + 5 * down), across], -1)
    picture = Image.fromarray(np.uint8(np.clip(220 * colours + noise, 0, 255)))
    for folder in ("photos", "YOUR_PHOTOS"):
        (tmp_path / folder).mkdir()
    for place in ("YOUR.jpg", "photos/1.png", "photos/2.jpg", "YOUR_PHOTOS/1.png"):
        picture.save(tmp_path / place)
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    monkeypatch.chdir(tmp_path)
    return tmp_path
