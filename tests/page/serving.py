"""`repscope serve` running over photos, and a page that asks it."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from opened import until
from PIL import Image
from playwright.sync_api import Browser, Page

ENCODERS = "tiny-mae,tiny-random"


@dataclass
class Server:
    """The command, running."""

    process: subprocess.Popen[str]
    address: str
    folder: Path

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)


def started(folder: Path, *more: str) -> Server:
    words = [sys.executable, "-m", "repscope", "serve", "photos", "-m", ENCODERS, "--port", "0", *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    process = subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stdout
    line = process.stdout.readline().strip()
    assert line.startswith("http://127.0.0.1:"), line
    return Server(process, line, folder)


def drawn(seed: int, side: int = 96) -> Image.Image:
    down, across = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    waves = [0.5 + 0.5 * np.sin((4 + seed + 3 * c) * down + (7 - c) * across) for c in range(3)]
    return Image.fromarray(np.uint8(255 * np.stack(waves, -1)))


def looked(page: Page) -> None:
    """Press the button, and wait for the answer and for its probe, which is drawn a frame later."""
    page.click("#run")
    until(page, "document.querySelector('#answer').ariaBusy === 'false'")
    until(page, "!document.querySelector('figure.probe[data-drawn=\"0\"]')")


def begun(browser: Browser, serving: Server) -> Page:
    """A page that has asked about all photos and is told of progress."""
    page = browser.new_page()
    page.goto(serving.address)
    page.wait_for_selector("#photos button")
    page.click("#all")
    page.click("#run")
    until(page, "document.querySelector('#status').textContent.startsWith('Looked at')")
    return page
