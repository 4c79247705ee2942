"""A site over a folder of photos with small encoders, and somebody who asks it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from asked import HOST
from PIL import Image
from starlette.testclient import TestClient

from repscope.web.app import Site, app
from repscope.web.desk import Desk
from repscope.web.library import Library
from repscope.web.shelf import Shelf

CHOSEN = ("tiny-mae", "tiny-random")


@dataclass
class Visitor:
    """A browser's requests, as far as tests need them."""

    client: TestClient
    site: Site
    folder: Path

    def key(self, name: str) -> str:
        said = self.client.get("/choices").json()
        return next(photo["key"] for photo in said["photos"] if photo["name"] == name)

    def question(self, *names: str, models: str = "tiny-mae,tiny-random", **more: object) -> str:
        photos = "&".join(f"photo={self.key(name)}" for name in names)
        return "&".join([photos, f"m={models}", *(f"{key}={value}" for key, value in more.items())])

    def until(self, holds: Callable[[], object]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.01)


def drawn(seed: int) -> Image.Image:
    down, across = np.mgrid[0:1:80j, 0:1:96j]
    waves = [0.5 + 0.5 * np.sin((4 + seed + 3 * c) * down + (7 - c) * across) for c in range(3)]
    return Image.fromarray(np.uint8(255 * np.stack(waves, -1)))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(("one.png", "two.png", "three.png")):
        drawn(seed).save(folder / name)
    (tmp_path / "secret.png").write_bytes((folder / "one.png").read_bytes())
    return folder


@pytest.fixture
def visitor(photos: Path, tmp_path: Path) -> Iterator[Visitor]:
    library = Library([str(photos)])
    site = Site(library, Desk(library, CHOSEN), Shelf([], tmp_path / "reports"), CHOSEN)
    with TestClient(app(site, frozenset({HOST})), base_url=f"http://{HOST}") as client:
        yield Visitor(client, site, tmp_path)
