"""Make the pictures of the manual anew: `make pictures`. The page and the served page are photographed in chromium."""

import asyncio
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import repscope
from repscope.cli.compare import SHOWN
from repscope.images.samples import samples
from repscope.render.html import html

HERE = Path(__file__).parent / "pictures"
FLOWER = next(str(path) for path in samples() if path.name == "flower.jpg")


def maps() -> bytes:
    """PCA maps of a sample photo as `compare` writes them where no encoder is named, at two thirds of the size."""
    report = repscope.compare([], [repscope.load(name) for name in SHOWN])
    with tempfile.TemporaryDirectory() as folder:
        report.save(folder, ("png",))
        made = Image.open(next(Path(folder).glob("pca-maps-flower*.png"))).convert("RGB")
    return small(made, 2 / 3)


def small(picture: Image.Image, share: float = 1.0) -> bytes:
    """A PNG of at most 256 colours where it is a photograph of a page."""
    size = round(picture.width * share), round(picture.height * share)
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


@contextmanager
def browser(scheme: str = "light", width: int = 1100, height: int = 760) -> Iterator[Page]:
    program = which("chromium") or which("google-chrome")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
        opened.close()


def pointed(page: Page, across: float, down: float) -> None:
    """The pointer over the first panel, once it has been drawn."""
    page.wait_for_selector("figure.probe:not([data-drawn='0'])")
    box = page.locator(".stage").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
    page.wait_for_timeout(400)


def probe(scheme: str) -> bytes:
    """The probe of a report, the pointer on the flower's heart."""
    report = repscope.compare([FLOWER], [repscope.load(name) for name in SHOWN])
    with tempfile.TemporaryDirectory() as folder, browser(scheme) as page:
        file = Path(folder, "report.html")
        file.write_text(html(report), encoding="utf-8")
        page.goto(file.as_uri())
        pointed(page, 0.52, 0.55)
        return small(Image.open(io.BytesIO(page.locator("figure.probe").screenshot())).convert("RGB"))


def served() -> bytes:
    """The page of `repscope serve` with an answer."""
    with tempfile.TemporaryDirectory() as folder, browser(width=1280, height=800) as page:
        command = [sys.executable, "-m", "repscope", "serve", "--port", "0", "--reports", f"{folder}/reports"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        try:
            page.goto(re.split(r"\s", process.stdout.readline())[0])
            page.wait_for_selector("#photos button")
            page.click("#all")
            page.click("#run")
            page.wait_for_selector("#answer figure.probe", timeout=120_000)
            page.locator(".strip button").nth(1).click()
            page.wait_for_timeout(300)
            pointed(page, 0.52, 0.55)
            return small(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
        finally:
            process.terminate()
            process.wait()


def terminal() -> bytes:
    """The probe of `repscope tui` at 160 x 40, after a few steps."""
    from repscope.tui.app import RepscopeApp
    from repscope.tui.terminal import Terminal

    async def driven() -> str:
        app = RepscopeApp([FLOWER], SHOWN, terminal=Terminal())
        async with app.run_test(size=(160, 40)) as pilot:
            while app.study.thread.is_alive() or app.query_one("Line").words:
                await pilot.pause(0.1)
            await pilot.press("5", *["right"] * 3, *["down"] * 2)
            await pilot.pause(0.5)
            return app.export_screenshot(title="repscope tui")

    shown = asyncio.run(driven())
    with tempfile.TemporaryDirectory() as folder, browser(width=1600, height=1000) as page:
        file = Path(folder, "screen.svg")
        file.write_text(shown, encoding="utf-8")
        page.goto(file.as_uri())
        return small(Image.open(io.BytesIO(page.locator("svg").first.screenshot())).convert("RGB"), 0.75)


PICTURES = {
    "compare.png": maps,
    "probe.png": lambda: probe("light"),
    "probe-dark.png": lambda: probe("dark"),
    "serve.png": served,
    "tui.png": terminal,
}

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        (HERE / name).write_bytes(PICTURES[name]())
