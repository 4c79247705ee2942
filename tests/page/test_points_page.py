"""A map of images in a browser, from disk, with the network off: one lasso, one cursor, and what Python says."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mapped import Mapped
from PIL import Image
from playwright.sync_api import Browser

from repscope.render import _colours
from repscope.render.html import fragment, html
from repscope.report import Colouring, Map, Note, Points, Report, Thumbnails
from repscope.report.points import packed

COUNT, K = 60, 4
HOSTILE = "<img src=x onerror=alert(1)>\"'</script>&amp;"


def block() -> Points:
    """Two maps: a grid of ten by six, and the same upside down; classes by column, one image without."""
    across, up = np.arange(COUNT) % 10, np.arange(COUNT) // 10
    plain = np.stack([across, up], 1).astype(np.float32)
    nearest = (np.arange(COUNT)[:, None] + np.arange(1, K + 1)) % COUNT
    far = (np.arange(COUNT)[:, None] + 10 * np.arange(1, K + 1)) % COUNT
    labels = (across // 5).astype(float)
    labels[59] = np.nan
    colours = (
        Colouring("label", packed(labels, "<f4"), ("left", HOSTILE), about="Class."),
        Colouring("height", packed(up, "<f4"), domain=(0.0, 5.0), unit="rows", about="How high."),
    )
    sheet = np.zeros((8 * 8, 8 * 8, 3), np.uint8)
    for i in range(COUNT):
        down, right = divmod(i, 8)
        sheet[8 * down : 8 * down + 8, 8 * right : 8 * right + 8] = 4 * i, 0, 250 - 4 * i
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "WEBP", lossless=True)
    ids = tuple(HOSTILE if i == 0 else f"image {i}" for i in range(COUNT))
    maps = (
        Map("plain", packed(plain, "<f4"), packed(nearest, "<i4"), caption="A grid."),
        Map(HOSTILE, packed(plain * [1, -1], "<f4"), packed(far, "<i4"), caption="Mirrored."),
        Map("broken", reason="its weights <i>are</i> damaged."),
    )
    return Points("Sixty", ids, maps, colours, Thumbnails(8, 8, out.getvalue()), "A caption.")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("map") / "report.html"
    path.write_text(html(Report("map", (block(), Note("after")))), encoding="utf-8")
    return path


@pytest.fixture
def seen(browser: Browser, file: Path) -> Iterator[Mapped]:
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 1000}, color_scheme="light")
    yield Mapped(context.new_page(), file)
    context.close()


LOWER_LEFT = [(0.0, 0.5), (0.48, 0.5), (0.48, 1.0), (0.0, 1.0)]


def expected(left: int, right: int, rows: range) -> list[int]:
    return [10 * row + column for row in rows for column in range(left, right)]


def test_it_asks_for_nothing_and_no_name_gets_out(seen, file):
    seen.point(0, 0)
    assert seen.page.locator(".card .id").inner_text() == HOSTILE
    seen.lasso(0, LOWER_LEFT)
    assert seen.requests == [file.as_uri()]
    assert seen.wrong == []
    assert seen.page.locator("figure.points img, figure.points script:not([type='application/json'])").count() == 0


def test_one_lasso_lights_up_the_same_images_in_all_maps(seen):
    seen.lasso(0, LOWER_LEFT)
    wanted = expected(0, 5, range(3))
    assert seen.chosen() == wanted
    for panel in range(2):
        for image in (0, 24, 59, 9):
            ink = seen.ink(panel, image)
            assert (ink[3] == 255) == (image in wanted), (panel, image)
            assert ink[3] > 0
    assert seen.page.locator(".counted").inner_text() == "15 of 60 images selected (25.0 %)"
    assert seen.page.locator(".selection .thumb").count() == 15
    assert seen.page.locator(".bars li").all_inner_texts() == ["left\n15"]


def test_a_lasso_in_the_other_map_is_of_its_own_places(seen):
    seen.lasso(1, LOWER_LEFT)
    assert seen.chosen() == expected(0, 5, range(3, 6))


def test_shift_adds_and_alt_takes_away(seen):
    seen.lasso(0, LOWER_LEFT)
    seen.lasso(0, [(0.52, 0.5), (1.0, 0.5), (1.0, 1.0), (0.52, 1.0)], "Shift")
    assert seen.chosen() == expected(0, 10, range(3))
    seen.lasso(0, [(0.02, 0.02), (0.2, 0.02), (0.2, 0.98), (0.02, 0.98)], "Alt")
    assert seen.chosen() == expected(2, 10, range(3))
    seen.page.get_by_role("button", name="Clear", exact=True).click()
    assert seen.chosen() == []
    assert not seen.page.locator(".selection").is_visible()


def test_the_image_pointed_at_is_shown_with_its_nearest_in_each_encoders_own_space(seen):
    seen.point(1, 23)
    assert seen.ask("return [atlas.state.at, atlas.plots.indexOf(atlas.state.plot)]") == [23, 1]
    assert seen.page.locator(".card .id").inner_text() == "image 23"
    assert seen.page.locator(".pointed .beside").inner_text() == "label: left"
    rows = seen.page.locator(".near")
    for row, wanted in enumerate(([24, 25, 26, 27], [33, 43, 53, 3])):
        titles = rows.nth(row).locator(".thumb").evaluate_all("all => all.map((each) => each.title.split(',')[0])")
        assert titles == [f"image {i}" for i in wanted]
        colours = (
            rows.nth(row)
            .locator(".thumb")
            .evaluate_all("all => all.map((each) => [...each.getContext('2d').getImageData(4, 4, 1, 1).data])")
        )
        np.testing.assert_allclose(colours, [(4 * i, 0, 250 - 4 * i, 255) for i in wanted], atol=3)


def test_neighbours_that_two_encoders_share_are_framed(browser: Browser, tmp_path):
    same = block()
    other = replace(same.maps[1], neighbours=packed(np.roll(same.maps[0].nearest, 1, axis=1), "<i4"))
    path = tmp_path / "same.html"
    path.write_text(html(Report("", (replace(same, maps=(same.maps[0], other)),))), encoding="utf-8")
    page = Mapped(browser.new_page(), path)
    page.point(0, 23)
    assert page.page.locator(".thumb.common").count() == 2 * K
    page.page.close()


def test_lines_lead_to_the_nearest_and_squares_mark_those_of_the_map_pointed_at(seen):
    def inked(panel: int, image: int, across: int = 0, down: int = 0) -> int:
        return int(
            seen.ask(  # type: ignore[call-overload]
                f"const plot = atlas.plots[{panel}], places = plot.map.places;"
                f"const [x, y] = plot.view.pixel(places[{2 * image}], places[{2 * image + 1}]);"
                "const context = plot.over.getContext('2d'), s = plot.sharp, r = plot.radius();"
                f"const box = [x + {across} * (r + 3) - 1, y + {down} * (r + 3) - 1].map((at) => Math.round(at * s));"
                "return Math.max(...context.getImageData(...box, 3, 3).data.filter((_, i) => i % 4 === 3))"
            )
        )

    seen.point(0, 23)
    assert inked(0, 27) > 0
    assert inked(0, 53) == 0
    assert inked(1, 53) > 0
    for image, marked in ((24, True), (25, True), (53, False), (45, False)):  # the corner of a square
        assert (inked(1, image, 1, 1) > 0) == marked, image
    seen.page.mouse.move(2, 2)
    assert seen.ask("return atlas.state.at") == -1
    assert inked(0, 27) == 0
    assert seen.page.locator(".card .hint").is_visible()


def test_a_click_holds_the_image_until_the_next(seen):
    seen.point(0, 23)
    seen.page.mouse.down()
    seen.page.mouse.up()
    seen.point(0, 51)
    assert seen.page.locator(".card .id").inner_text() == "image 23"
    seen.page.mouse.down()
    seen.page.mouse.up()
    seen.point(0, 52)
    assert seen.page.locator(".card .id").inner_text() == "image 52"


def test_dots_have_the_colours_of_python(seen):
    palette = [[int(ink[i : i + 2], 16) for i in (1, 3, 5)] for ink in _colours.classes(2)]
    for image, wanted in ((12, palette[0]), (17, palette[1]), (59, [128, 128, 128])):
        assert seen.ink(0, image) == [*wanted, 255]
    seen.page.locator("form select").select_option(label="height")
    for image in (2, 25, 50):
        wanted = _colours.coloured(np.array(image // 10), (0.0, 5.0)).tolist()
        assert seen.ink(1, image) == [*wanted, 255]
    assert seen.page.locator(".key .ends").inner_text().split("\n") == ["0.000", "height rows", "5.00"]
    seen.point(0, 25)
    assert seen.page.locator(".pointed .beside").inner_text() == "label: " + HOSTILE + " · height: 2.00 rows"


def test_a_class_is_selected_by_a_button_that_the_keyboard_reaches(seen):
    left, right = (seen.page.locator(".classes button").nth(i) for i in range(2))
    assert right.inner_text() == f"{HOSTILE} 29"
    assert seen.page.locator(".classes > .beside").inner_text() == "grey: 1 without"
    left.focus()
    seen.page.keyboard.press("Enter")
    assert seen.chosen() == expected(0, 5, range(6))
    right.click(modifiers=["Shift"])
    assert len(seen.chosen()) == 59
    assert seen.page.locator(".bars li").count() == 2


def test_the_keyboard_goes_from_dot_to_dot(seen):
    seen.page.locator(".fields").focus()
    keyboard, at = seen.page.keyboard, lambda: seen.ask("return atlas.state.at")
    keyboard.press("ArrowRight")
    first = at()
    assert first in (24, 25, 34, 35)  # nearest to the middle
    for key, wanted in (("ArrowRight", first + 1), ("ArrowUp", first + 11), ("ArrowLeft", first + 10)):
        keyboard.press(key)
        assert at() == wanted
    keyboard.press("ArrowDown")
    assert at() == first
    assert seen.page.locator(".points .unseen").inner_text().startswith(f"image {first}, label: ")
    keyboard.press("Enter")
    assert seen.chosen() == [first, *range(first + 1, first + K + 1)]
    keyboard.press("+")
    assert seen.ask("return atlas.plots.slice(0, 2).map((plot) => plot.view.zoom)") == [1.5, 1.5]
    keyboard.press("0")
    keyboard.press("Escape")
    assert (at(), seen.chosen()) == (-1, [])


def test_the_wheel_zooms_about_the_pointer_and_a_drag_moves(seen):
    before = seen.where(0, 47)
    seen.point(0, 47)
    top = seen.page.evaluate("scrollY")
    seen.page.mouse.wheel(0, -600)
    seen.until("atlas.plots[0].view.zoom > 2")
    np.testing.assert_allclose(seen.where(0, 47), before, atol=1)
    assert seen.page.evaluate("scrollY") == top
    assert seen.ask("return atlas.plots[1].view.zoom") == 1
    seen.page.locator("input[value=move]").check(force=True)
    seen.point(0, 47)
    seen.page.mouse.down()
    seen.page.mouse.move(before[0] - 60, before[1] + 30, steps=4)
    seen.page.mouse.up()
    np.testing.assert_allclose(seen.where(0, 47), (before[0] - 60, before[1] + 30), atol=1)
    assert seen.chosen() == []
    seen.page.get_by_role("button", name="See all").click()
    np.testing.assert_allclose(seen.where(0, 47), before, atol=1)


def test_ids_are_copied_and_saved(browser: Browser, file):
    context = browser.new_context(offline=True, permissions=["clipboard-read", "clipboard-write"])
    seen = Mapped(context.new_page(), file)
    seen.lasso(0, LOWER_LEFT)
    ids = [HOSTILE if i == 0 else f"image {i}" for i in expected(0, 5, range(3))]
    with seen.page.expect_download() as found:
        seen.page.get_by_role("button", name="Save as text").click()
    assert found.value.suggested_filename == "selection.txt"
    assert Path(found.value.path()).read_text() == "".join(f"{name}\n" for name in ids)
    seen.page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject())")
    seen.page.get_by_role("button", name="Copy ids").click()
    seen.page.wait_for_selector(".selection textarea:visible")
    assert seen.page.locator(".selection textarea").input_value().splitlines() == ids
    assert seen.page.locator(".actions button").first.inner_text() == "Selected"
    assert seen.wrong == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_finger_looks_or_draws(browser: Browser, file, scheme):
    context = browser.new_context(
        offline=True, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    phone = Mapped(context.new_page(), file)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.page.locator("input[value=look]").is_checked()
    assert phone.page.locator(".field").first.evaluate("each => getComputedStyle(each).touchAction") == "pan-y"
    phone.page.touchscreen.tap(*phone.where(0, 31))
    assert phone.page.locator(".card .id").inner_text() == "image 31"
    assert phone.page.locator(".card .shown").is_visible()
    phone.page.locator("input[value=lasso]").check(force=True)
    assert phone.page.locator(".field").first.evaluate("each => getComputedStyle(each).touchAction") == "none"
    assert phone.wrong == []
    context.close()


def test_a_failed_encoder_says_why_in_its_place(seen):
    panel = seen.page.locator(".map").nth(2)
    assert panel.inner_text().split("\n") == ["broken", "", "No map: its weights <i>are</i> damaged."]
    assert panel.locator("canvas").count() == 0


def test_without_thumbnails_or_colours_it_is_a_map_still(browser: Browser, tmp_path):
    path = tmp_path / "bare.html"
    path.write_text(html(Report("", (replace(block(), thumbnails=None, colours=()),))), encoding="utf-8")
    page = Mapped(browser.new_page(), path)
    page.lasso(0, LOWER_LEFT)
    assert len(page.chosen()) == 15
    page.point(0, 23)
    assert page.page.locator(".card .id").inner_text() == "image 23"
    assert page.page.locator("form select").is_hidden()
    assert page.wrong == []
    page.page.close()


def test_damaged_data_are_named(browser: Browser, tmp_path):
    path = tmp_path / "damaged.html"
    spoiled = replace(block(), maps=(Map("plain", packed(np.zeros(7), "<f4"), b""),))
    path.write_text(html(Report("", (spoiled,))), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("figure.points .failed")
    assert "places are missing" in page.locator(".failed").inner_text()
    page.close()


def test_two_maps_on_a_page_are_two(browser: Browser, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text("<!doctype html><meta charset=utf-8>" + 2 * fragment(Report("", (block(),))), encoding="utf-8")
    both = Mapped(browser.new_page(), path)
    both.until("document.querySelectorAll('figure.points[data-thumbnails]').length === 2")
    both.lasso(0, LOWER_LEFT)
    chosen = both.page.evaluate("[...document.querySelectorAll('figure.points')].map((each) => each.atlas.selected)")
    assert chosen == [15, 0]
    both.page.close()


def test_the_dot_found_is_the_nearest_and_those_within_are_within(seen):
    """The grid of cells against all distances, and the line against what a polygon holds."""
    found = seen.ask(
        "const some = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i * 12.9898) * (i % 7));"
        "const near = new atlas.plots[0].nearby.constructor(some); const wrong = [];"
        "for (let i = 0; i < 300; i++) { const [x, y] = [8 * Math.cos(i), 8 * Math.sin(1.7 * i)];"
        " let best = -1, least = 4; for (let j = 0; j < 500; j++) {"
        "  const d = (some[2 * j] - x) ** 2 + (some[2 * j + 1] - y) ** 2; if (d < least) [best, least] = [j, d]; }"
        " if (near.at(x, y, 2) !== best) wrong.push(i); }"
        "const inside = near.inside([-3, -3, 3, -3, 0, 4]).sort((a, b) => a - b); const all = [];"
        "for (let j = 0; j < 500; j++) { const [x, y] = [some[2 * j], some[2 * j + 1]];"
        " if (y > -3 && y < 4 - (7 / 3) * Math.abs(x)) all.push(j); }"
        "return [wrong, inside, all]"
    )
    wrong, inside, everything = found  # type: ignore[misc]
    assert wrong == []
    assert inside == everything
    assert len(everything) > 50


def test_ten_thousand_images_answer_within_a_frame(browser: Browser, tmp_path):
    rng = np.random.default_rng(0)
    count = 10_000
    maps = tuple(
        Map(name, packed(rng.normal(size=(count, 2)), "<f4"), packed(rng.integers(0, count, (count, 8)), "<i4"))
        for name in "abc"
    )
    colours = (Colouring("c", packed(rng.integers(0, 9, count), "<f4"), tuple("abcdefghi")),)
    path = tmp_path / "many.html"
    ids = tuple(map(str, range(count)))
    path.write_text(html(Report("", (Points("many", ids, maps, colours),))), encoding="utf-8")
    assert path.stat().st_size < 2_500_000
    page = Mapped(browser.new_page(), path)
    times = page.ask(
        "const plot = atlas.plots[1], found = [];"
        "for (let i = 0; i < 300; i++) {"
        " const [x, y] = [0.618, 0.414].map((step) => (0.2 + 0.6 * ((i * step) % 1)) * plot.view.width);"
        " const start = performance.now(); plot.hover(x, y); found.push(performance.now() - start); }"
        "return found"
    )
    assert np.median(times) < 16  # type: ignore[arg-type]
    page.page.close()
