"""The manual as one text, and a folder to try it in."""

from pathlib import Path

import pytest
from manual import PAGES


@pytest.fixture(scope="session")
def manual() -> str:
    """All pages as one text."""
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


@pytest.fixture(scope="session")
def asked_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of four classes, IMAGES, what was embedded of them, `embedded`, and a saved report, `demo`."""
    import numpy as np
    from PIL import Image

    from repscope import embed, inspect, load

    where = tmp_path_factory.mktemp("asked")
    chance = np.random.default_rng(0)
    for number in range(40):
        inside = where / "IMAGES" / "abcd"[number % 4]
        inside.mkdir(parents=True, exist_ok=True)
        coarse = chance.integers(0, 256, (3 + number % 4, 3, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((48, 48)).save(inside / f"{number}.png")
    embed(where / "IMAGES", ["tiny-dino", "tiny-mae"], where / "embedded", cache=False)
    report = inspect([], load("tiny-mae"))
    report.save(where / "demo", ("json",))
    return where


@pytest.fixture
def desk(tmp_path, monkeypatch, asked_before) -> Path:
    """A folder to try things in: a photo, a folder of two, a set of images and what was embedded of it."""
    import shutil

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
    for name in ("IMAGES", "embedded", "demo"):
        shutil.copytree(asked_before / name, tmp_path / name)
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
