"""The screen without a terminal: a pilot presses keys, and what is shown is read as text."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from html import unescape
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from textual.pilot import Pilot

import repscope
from repscope.encoders import Encoder
from repscope.report import Report
from repscope.tui.app import RepscopeApp
from repscope.tui.terminal import Terminal

compare_module, inspect_module = (import_module(f"repscope.analyses.{name}") for name in ("compare", "inspect"))
COMPARE, INSPECT = compare_module.compare, inspect_module.inspect
ROUNDS = 5
NAMES = ("tiny-dino", "tiny-random")


class Driven:
    """A screen being driven."""

    def __init__(self, app: RepscopeApp, pilot: Pilot):
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.still()

    async def still(self) -> None:
        """All messages handled and all drawn: a page that is laid out draws itself anew, and is laid out again."""
        for _ in range(ROUNDS):
            await self.pilot.pause(0)

    async def until(self, true: Callable[[], object], seconds: float = 30) -> None:
        """Wait for something; what the screen says at the end tells why it did not come."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.text
            await self.pilot.pause(0.01)
        await self.still()

    async def settled(self) -> None:
        """Wait until the run is over and shown."""
        await self.until(lambda: not self.app.study.thread.is_alive() and not self.app.query_one("Line").words)

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        found: dict[int, dict[float, str]] = {}
        for attributes, text in re.findall(r"<text ([^>]*)>(.*?)</text>", self.app.export_screenshot(), re.S):
            place = re.search(r'x="([\d.]+)".*line-(\d+)', attributes, re.S)
            if place:
                found.setdefault(int(place[2]), {})[float(place[1]) / 12.2] = unescape(text).replace("\xa0", " ")
        lines = []
        for row in range(max(found, default=-1) + 1):
            line = ""
            for across, text in sorted(found.get(row, {}).items()):
                line = line.ljust(round(across)) + text
            lines.append(line.rstrip("\n"))
        return lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def joined(self) -> str:
        """The same without spaces: a long path is broken somewhere."""
        return "".join(self.text.split())

    async def whole(self) -> str:
        """Everything on the page, scrolled through."""
        page = self.app.page
        page.scroll_home(animate=False)
        await self.still()
        seen = [self.text]
        while page.scroll_offset.y < page.max_scroll_y:
            page.scroll_page_down(animate=False)
            await self.still()
            seen.append(self.text)
        return "\n".join(seen)


Act = Callable[[Driven], Awaitable[None]]
Drive = Callable[..., RepscopeApp]


@pytest.fixture(autouse=True)
def _loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repscope.encoders.load", _load)


@pytest.fixture(autouse=True)
def _no_idling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual waits by the clock for an idle processor after every key; `still` waits for what is to be done."""

    async def wait(*_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("textual.app.wait_for_idle", wait)
    monkeypatch.setattr("textual.pilot.wait_for_idle", wait)


@cache
def _load(name: str) -> Encoder:
    return repscope.load(name)


KNOWN: dict[tuple, Report] = {}


def _answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question of the same photos is answered once for all tests."""
    for module, function in ((compare_module, COMPARE), (inspect_module, INSPECT)):

        def asked(photos, encoders, *, function=function, progress=None, **more):
            if progress is None:  # not by the screen
                return function(photos, encoders, **more)
            several = encoders if isinstance(encoders, list) else [encoders]
            names = tuple(encoder.contract.name for encoder in several)
            key = function, names, tuple((photo.id, photo.sha256) for photo in photos), str(more)
            if key not in KNOWN:
                KNOWN[key] = function(photos, encoders, progress=progress, **more)
            progress(len(photos), len(photos))
            return KNOWN[key]

        monkeypatch.setattr(module, function.__name__, asked)


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> Drive:
    """Run the screen on these photos and do something to it; by default it is waited for first.

    With `anew`, whatever other tests have asked is asked again.
    """

    def driven(
        act: Act,
        photos: Sequence[object] = (),
        names: Sequence[str] = NAMES,
        size: tuple[int, int] = (80, 24),
        terminal: Terminal | None = None,
        wait: bool = True,
        anew: bool = False,
    ) -> RepscopeApp:
        if not anew:
            _answered_once(monkeypatch)
        app = RepscopeApp([str(photo) for photo in photos], names, terminal=terminal or Terminal())

        async def run() -> None:
            async with app.run_test(size=size) as pilot:
                screen = Driven(app, pilot)
                if wait:
                    await screen.settled()
                await act(screen)

        asyncio.run(run())
        app.study.leave(10)
        return app

    return driven


def _drawn(path: Path, seed: int = 0, size: tuple[int, int] = (120, 96)) -> Path:
    """A small photo: gradients, a disc and noise, so that near patches are alike and far ones are not."""
    down, across = np.mgrid[0 : 1 : size[1] * 1j, 0 : 1 : size[0] * 1j]
    generator = np.random.default_rng(seed)
    middle = generator.uniform(0.2, 0.8, 2)
    disc = np.exp(-20 * ((down - middle[0]) ** 2 + (across - middle[1]) ** 2))
    waves = 0.5 + 0.5 * np.sin(generator.uniform(4, 12) * down + generator.uniform(4, 12) * across)
    colours = np.stack([0.5 * down + 0.5 * disc, waves, across], -1)
    pixels = np.clip(230 * colours + generator.normal(10, 6, colours.shape), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def draw() -> Callable[..., Path]:
    return _drawn


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return _drawn(tmp_path / "photo.png")


@cache
def _compared(photos: tuple[str, ...]) -> Report:
    return COMPARE(photos, [_load(name) for name in NAMES])


@pytest.fixture
def compared() -> Callable[..., Report]:
    """What repscope.compare says of these photos."""
    return lambda *photos: _compared(tuple(map(str, photos)))
