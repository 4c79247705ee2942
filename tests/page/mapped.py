"""A page with a map of images, opened, and what is done to it."""

from pathlib import Path

from opened import until
from playwright.sync_api import Page


class Mapped:
    """The page opened from disk, and all that was asked for or went wrong meanwhile."""

    def __init__(self, page: Page, file: Path):
        self.page, self.requests, self.wrong = page, [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector("figure.points[data-thumbnails]")
        until(page, "document.querySelector('figure.points').atlas.plots.every((plot) => !plot.works || plot.sharp)")

    def ask(self, script: str) -> object:
        return self.page.evaluate(
            f"(() => {{ const atlas = document.querySelector('figure.points').atlas; {script} }})()"
        )

    def until(self, holds: str) -> None:
        until(self.page, f"(() => {{ const atlas = document.querySelector('figure.points').atlas; return {holds} }})()")

    def where(self, panel: int, image: int) -> tuple[float, float]:
        """The pixel of the window at which an image lies on a map."""
        field = self.page.locator(".field").nth(panel)
        field.scroll_into_view_if_needed()
        box = field.bounding_box()
        assert box
        across, down = self.ask(  # type: ignore[misc]
            f"const plot = atlas.plots[{panel}];"
            f"return plot.view.pixel(plot.map.places[{2 * image}], plot.map.places[{2 * image + 1}])"
        )
        return box["x"] + 1 + across, box["y"] + 1 + down

    def point(self, panel: int, image: int) -> None:
        self.page.mouse.move(*self.where(panel, image))

    def lasso(self, panel: int, corners: list[tuple[float, float]], key: str = "") -> None:
        """Draw a line through corners, in fractions of the map's field."""
        field = self.page.locator(".field").nth(panel)
        field.scroll_into_view_if_needed()
        box = field.bounding_box()
        assert box
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        if key:
            self.page.keyboard.down(key)
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in (*places[1:], places[0]):
            self.page.mouse.move(*place, steps=3)
        self.page.mouse.up()
        if key:
            self.page.keyboard.up(key)

    def chosen(self) -> list[int]:
        return self.ask("return atlas.chosen()")  # type: ignore[return-value]

    def ink(self, panel: int, image: int) -> list[int]:
        """The colour, with its opacity, of the dot of an image."""
        return self.ask(  # type: ignore[return-value]
            f"const plot = atlas.plots[{panel}], places = plot.map.places;"
            f"const [x, y] = plot.view.pixel(places[{2 * image}], places[{2 * image + 1}]);"
            "const context = plot.dots.getContext('2d');"
            "return [...context.getImageData(Math.round(x * plot.sharp), Math.round(y * plot.sharp), 1, 1).data]"
        )
