"""A page in the browser, with what its probe shows."""

import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Error, Page


def until(page: Page, holds: str) -> None:
    """Wait for it; the page's own policy forbids the browser's way, which evaluates text in the page."""
    end = time.monotonic() + 90  # a machine may be busy with other tests
    while not _now(page, holds):
        assert time.monotonic() < end, holds
        time.sleep(0.01)


def _now(page: Page, holds: str) -> bool:
    try:
        return bool(page.evaluate(holds))
    except Error as error:  # it goes to another page at this moment
        if "context was destroyed" not in str(error):
            raise
        return False


class Seen:
    """The report opened from disk, and all that was asked for or went wrong meanwhile."""

    def __init__(self, page: Page, file: Path):
        self.page, self.requests, self.wrong = page, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector("figure.probe:not([data-drawn='0'])")

    def drawn(self) -> int:
        return int(self.page.get_attribute("figure.probe", "data-drawn") or 0)

    def after(self, act: object) -> None:
        """Do it and wait until the probe has drawn what came of it."""
        before = self.drawn()
        act()  # type: ignore[operator]
        self.until(f"Number(document.querySelector('figure.probe').dataset.drawn) > {before}")

    def until(self, holds: str) -> None:
        until(self.page, holds)

    def hover(self, panel: int, across: float, down: float) -> None:
        box = self.page.locator(".panel .stage").nth(2 * panel).bounding_box()
        assert box
        self.after(lambda: self.page.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"]))

    def ask(self, script: str) -> object:
        return self.page.evaluate(
            f"(() => {{ const probe = document.querySelector('figure.probe').probe; {script} }})()"
        )

    def values(self, panel: int) -> np.ndarray:
        """What the panel has drawn of the query."""
        return np.array(self.ask(f"return [...probe.panels[{panel}].answer.values]"))

    def at(self, panel: int) -> int:
        """The patch under the cursor."""
        return int(self.ask(f"return probe.panels[{panel}].at"))  # type: ignore[call-overload]

    def pixels(self) -> list[str]:
        return [canvas.evaluate("each => each.toDataURL()") for canvas in self.page.locator(".stage canvas").all()]

    def choose(self, value: str) -> None:
        self.after(lambda: self.page.locator(f"input[value='{value}']").check(force=True))
