"""The page's speed, size and memory in headless chromium, and the loss of the probe's 8 bits.

    python benchmarks/page.py                       # everything; five minutes on two cores
    python benchmarks/page.py hover
    python benchmarks/page.py --photos DIR

Hover to drawn: from the time stamp of a pointer's event to the end of the drawing of all panels, in the frame that
shows it. Without --photos, photos are drawn.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

import repscope
from repscope.analyses._codes import Seen, coded
from repscope.images import gather
from repscope.render.html import html
from repscope.report import Pin, Probe, Report, Snapshot

FOUR = ("tiny-dino", "tiny-mae", "tiny-random", "tiny-ijepa")
LISTEN = """() => {
  const probe = document.querySelector("figure.probe").probe;
  const found = (window.found = []);
  let asked = 0;
  probe.grid.addEventListener("pointermove", (event) => (asked ||= event.timeStamp), true);
  const draw = probe.draw.bind(probe);
  probe.draw = () => {
    const begun = performance.now();
    draw();
    if (asked) found.push([performance.now() - asked, performance.now() - begun]);
    asked = 0;
  };
}"""


def drawn(seed: int, side: int = 320) -> np.ndarray:
    """A disc before waves, with some noise."""
    down, across = np.mgrid[0 : 1 : side * 1j, 0 : 1 : 1.3 * side * 1j]
    rng = np.random.default_rng(seed)
    places = rng.uniform(0.3, 0.7, 2)
    disc = np.exp(-25 * ((down - places[0]) ** 2 + (across - places[1]) ** 2))
    waves = 0.5 + 0.5 * np.sin(rng.uniform(4, 40) * down + rng.uniform(4, 40) * across)
    colours = 230 * np.stack([disc, waves, 0.5 * down + 0.5 * across], -1)
    return np.uint8(np.clip(colours + rng.normal(12, 8, colours.shape), 0, 255))


def photos(folder: str | None, count: int) -> list[Any]:
    if folder is None:
        return [drawn(seed) for seed in range(count)]
    return [str(path) for path in sorted(Path(folder).glob("*.jpg"))[:count]]


@contextmanager
def opened(report: Report) -> Iterator[tuple[Page, float, int]]:
    """The report in a browser of its own: the page, seconds until the probe was drawn, bytes of the file."""
    program = which("chromium") or which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder, "report.html")
        file.write_text(html(report), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(offline=True, viewport={"width": 1200, "height": 900}).new_page()
        page.goto("about:blank")
        begun = time.perf_counter()
        page.goto(file.as_uri(), wait_until="commit")
        page.wait_for_selector("figure.probe:not([data-drawn='0'])")
        yield page, time.perf_counter() - begun, file.stat().st_size
        browser.close()


def hovered(page: Page, moves: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Milliseconds from event to drawn, and of the drawing alone, over moves to places at random."""
    page.evaluate(LISTEN)
    box = page.locator(".stage").first.bounding_box()
    assert box
    rng = np.random.default_rng(0)
    for across, down in rng.uniform(0.02, 0.98, (moves, 2)):
        page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"])
        page.wait_for_timeout(25)
    waited, took = np.array(page.evaluate("window.found")).T
    return waited[20:], took[20:]  # the first few are the compiler's


def told(name: str, waited: np.ndarray, took: np.ndarray) -> None:
    middle, late = np.percentile(waited, [50, 95])
    print(f"{name}: hover to drawn median {middle:.1f} ms, 95th {late:.1f} ms; drawing median {np.median(took):.1f} ms "
          f"(n = {len(waited)})")  # fmt: skip


def of(patches: int, width: int, panels: int) -> Report:
    """A report of panels of made tokens: a spectrum that falls as 1/j, smoothed over the grid."""
    side = round(patches**0.5)
    image = next(iter(gather([drawn(0)])[0]))
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image.pixels).save(out, "JPEG")
    made = []
    for k in range(panels):
        rng = np.random.default_rng(k)
        field = rng.normal(size=(side + 2, side + 2, width)) * np.arange(1, width + 1) ** -0.5
        smooth = sum(field[i : i + side, j : j + side] for i in range(3) for j in range(3)) / 3
        seen = Seen(np.asarray(smooth), (0.0, 0.0, 1.0, 1.0), np.zeros((side, side, 3), np.uint8))
        made.append(coded(f"encoder {k}", [seen], np.zeros((0, width)), without_position="one photo."))
    shown = Snapshot("drawn", (0.0, 0.0, 1.0, 1.0), image.size, out.getvalue())
    pins = tuple(Pin(0, 0.2 * k, 0.5, label) for k, label in enumerate("ABC", 1))
    return Report("made", (Probe("Point at a patch", (shown,), tuple(made), pins),))


def hover(folder: str | None) -> None:
    encoders = [repscope.load(name) for name in FOUR]
    with opened(repscope.compare(photos(folder, 1), encoders)) as (page, _, _):
        told("four encoders, 256 patches, one photo", *hovered(page))
    with opened(repscope.compare(photos(folder, 6), encoders)) as (page, _, _):
        page.locator("input[value=percentile]").check(force=True)
        page.wait_for_timeout(1000)
        told("the same, percentile among five photos", *hovered(page))
        page.locator("input[value=absolute]").check(force=True)
        page.locator(".controls select").select_option(index=2)
        page.wait_for_timeout(500)
        told("the same, with another photo beside it", *hovered(page))
    for patches in (256, 1024):
        with opened(of(patches, 768, 4)) as (page, _, _):
            told(f"four made encoders of width 768, {patches} patches", *hovered(page))


def resident() -> float:
    """MB of the page: the largest of the processes that draw."""
    sizes = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_text()
            if "--type=renderer" in command:
                sizes.append(next(int(line.split()[1]) for line in status.read_text().splitlines() if "VmRSS" in line))
        except (OSError, StopIteration):
            continue
    return max(sizes) / 1024


def size(folder: str | None) -> None:
    encoders = [repscope.load(name) for name in FOUR]
    for count in (1, 50):
        begun = time.perf_counter()
        report = repscope.compare(photos(folder, count), encoders)
        made = time.perf_counter() - begun
        times = []
        for _ in range(5 if count == 1 else 3):
            with opened(report) as (page, seconds, length):
                times.append(seconds)
                for i in range(min(count, 50)):
                    if count > 1:
                        page.locator(".strip button").nth(i).click()
                        page.wait_for_timeout(60)
                memory = resident()
        print(f"{count} photos, four encoders: {length / 1e6:.2f} MB, drawn {np.median(times):.2f} s after opening, "
              f"{memory:.0f} MB after every photo was shown (compare took {made:.0f} s)")  # fmt: skip


def loss(folder: str | None) -> None:
    """Full-size encoders with random weights: what 8 bits cost, and how many bytes a look takes."""
    import torch

    from repscope.encoders import available
    from repscope.encoders.transformer import Transformer
    from repscope.encoders.vit import ViT

    taken = gather(photos(folder, 3))[0]
    for name in ("dinov2-vit-l14", "ijepa-vit-h14", "vjepa2-vitl-img16-256", "eupe-vit-b16", "mae-vit-b16", *FOUR):
        if name in FOUR:
            encoder: Any = repscope.load(name)
        else:
            torch.manual_seed(0)
            contract = available()[name]
            encoder = Transformer(contract, ViT(contract.architecture).eval(), str)
        for count in (1, 3):
            (tokens,) = encoder(taken[:count])
            looks = [
                Seen(grid, (0.0, 0.0, 1.0, 1.0), np.zeros((*grid.shape[:2], 3), np.uint8), np.ones(grid.shape[:2]))
                for grid in tokens.patches
            ]
            panel = coded(name, looks, np.zeros((0, tokens.width)), without_position="not asked.")
            bytes_ = max(
                sum(-(-len(part) // 3) * 4 for part in (x.codes, x.scales, x.offset, x.lengths, x.colours, x.attention))
                for x in panel.looks
            )
            across = "" if panel.across is None else f", between photos {panel.across:.4f}"
            shape = f"{tokens.grid[0]} x {tokens.grid[1]} x {tokens.width}"
            kept = f"{bytes_ / 1000:.1f} kB a look on {panel.looks[0].width} axes"
            print(f"{name}, {count} photos, {shape}: error {panel.error:.4f}{across}; {kept}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["hover", "size", "loss"])
    parser.add_argument("--photos")
    arguments = parser.parse_args()
    for what in arguments.what:
        {"hover": hover, "size": size, "loss": loss}[what](arguments.photos)
