"""A browser without a network, and a report of nine photos, two encoders and one that failed."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from opened import Seen
from playwright.sync_api import Browser, sync_playwright
from serving import Server, drawn, started

import repscope
from repscope.images import Photo, gather
from repscope.render.html import html
from repscope.report import Probe, Report

NAMES = ("tiny-mae", "tiny-random")
FAILED = ("broken", "its weights <i>are</i> damaged.")


@pytest.fixture(scope="module")  # while it is open, its event loop runs, and tests elsewhere want loops of their own
def browser() -> Iterator[Browser]:
    """Debian's chromium; `make test` installs it."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert program, "these tests want a chromium: run `make test`, which installs it"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def painted(seed: int) -> np.ndarray:
    """A disc before waves: no two patches alike, near ones similar, as in photos."""
    down, across = np.mgrid[0:1:96j, 0:1:128j]
    rng = np.random.default_rng(seed)
    places = rng.uniform(0.3, 0.7, 2)
    disc = np.exp(-25 * ((down - places[0]) ** 2 + (across - places[1]) ** 2))
    waves = 0.5 + 0.5 * np.sin(rng.uniform(4, 12) * down + rng.uniform(4, 12) * across)
    return np.uint8(np.clip(255 * np.stack([disc, waves, 0.5 * down + 0.5 * across], -1), 0, 255))


@pytest.fixture(scope="session")
def photos() -> tuple[Photo, ...]:
    return gather([painted(seed) for seed in range(9)])[0]


@pytest.fixture(scope="session")
def report(photos: tuple[Photo, ...]) -> Report:
    return repscope.compare(photos, [repscope.load(name) for name in NAMES], failed=[FAILED])


@pytest.fixture(scope="session")
def probe(report: Report) -> Probe:
    return next(block for block in report.blocks if isinstance(block, Probe))


@pytest.fixture(scope="session")
def file(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html(report), encoding="utf-8")
    return path


@pytest.fixture
def seen(browser: Browser, file: Path) -> Iterator[Seen]:
    """Opened with the network off."""
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
    yield Seen(context.new_page(), file)
    context.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "photos").mkdir()
    for seed in range(3):
        drawn(seed).save(folder / "photos" / f"{seed}.png")
    serving = started(folder)
    yield serving
    if serving.process.poll() is None:
        assert serving.end(signal.SIGINT) in (0, 130)
    assert serving.process.stdout
    serving.process.stdout.close()


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Server]:
    """A server over 40 photos: long enough to be interrupted."""
    (tmp_path / "photos").mkdir()
    for seed in range(40):
        drawn(seed, 200).save(tmp_path / "photos" / f"{seed}.png")
    serving = started(tmp_path)
    yield serving
    serving.process.kill()
    serving.process.wait(20)
    assert serving.process.stdout
    serving.process.stdout.close()
