"""The probe under mouse, finger and keyboard: what is pinned, held, announced, and where the focus stays."""

import base64
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from opened import Seen
from playwright.sync_api import Browser

from repscope.render.html import html
from repscope.report import Probe, Report, say

FOCUS = "document.activeElement.className"


def box(seen: Seen, name: str, panel: int) -> tuple[float, float, float, float]:
    """Left, top, width and height of a box over a photo, in patches of a 16 x 16 grid."""
    shown = seen.page.locator(".panel").nth(panel).locator(".stage").first
    part, whole = shown.locator(f".box.{name}").last.bounding_box(), shown.bounding_box()
    assert part
    assert whole
    across, down = 16 / whole["width"], 16 / whole["height"]
    left, top = (part["x"] - whole["x"]) * across, (part["y"] - whole["y"]) * down
    return left, top, part["width"] * across, part["height"] * down


def test_the_button_pins_what_the_mouse_pointed_at(seen):
    seen.hover(0, 0.2, 0.7)
    at = seen.at(0)
    pin = seen.page.get_by_role("button", name="Pin", exact=True).bounding_box()
    assert pin
    seen.page.mouse.move(pin["x"] + 3, pin["y"] + 3)  # out of the panels, and the cursor stays where it was
    seen.after(lambda: seen.page.mouse.down() or seen.page.mouse.up())
    assert seen.page.locator(".pins .chip").count() == 4
    assert seen.at(0) == at
    for panel in range(2):
        np.testing.assert_allclose(box(seen, "pin", panel), (at % 16, at // 16, 1, 1), atol=0.05)


def test_the_best_match_is_outlined_where_it_is(seen, probe):
    seen.hover(0, 0.7, 0.3)
    for i in range(2):
        at = seen.at(i)
        values = probe.panels[i].similarity(0, divmod(at, 16)).ravel()
        values[at] = -np.inf
        row, column = divmod(int(values.argmax()), 16)
        np.testing.assert_allclose(box(seen, "best", i), (column, row, 1, 1), atol=0.05)
        np.testing.assert_allclose(box(seen, "cursor", i), (at % 16, at // 16, 1, 1), atol=0.05)
        words = seen.page.locator(".reading").nth(i).inner_text()
        assert words == f"best {say(float(values.max()))} at row {row + 1}, column {column + 1}"


def test_the_other_photo_says_its_best_match(seen, probe):
    seen.after(lambda: seen.page.locator(".controls select").select_option(index=3))
    seen.hover(0, 0.4, 0.4)
    found = probe.panels[1].similarity(0, divmod(seen.at(1), 16), target=2)
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    words = seen.page.locator(".panel .elsewhere").nth(1).inner_text()
    assert words == f"{probe.photos[2].id}: best {say(float(found.max()))} at row {row + 1}, column {column + 1}"
    seen.after(lambda: seen.page.locator(".controls select").select_option(index=0))
    assert seen.page.locator(".panel .elsewhere:visible").count() == 0


def test_pins_say_how_like_the_patch_at_the_cursor_they_are(seen, probe):
    seen.hover(0, 0.6, 0.9)
    seen.after(lambda: seen.page.locator(".strip button").nth(3).click())
    seen.hover(0, 0.1, 0.2)  # the pins are on the first photo
    panel, (row, column) = probe.panels[0], divmod(seen.at(0), 16)
    wanted = []
    for pin in probe.pins:
        place = panel.looks[0].place(pin.across, pin.down)
        wanted.append(f"{pin.label} {say(float(panel.similarity(0, place, target=3)[row, column]))}")
    assert seen.page.locator(".pinned").first.inner_text().split() == " ".join(wanted).split()


def test_a_pin_keeps_its_colour_when_another_goes(seen):
    seen.hover(0, 0.3, 0.3)
    colours = seen.page.locator(".pinned").first.locator(".with")
    before = colours.nth(2).evaluate("each => getComputedStyle(each.firstChild).backgroundColor")
    seen.after(lambda: seen.page.locator(".pins .delete").first.click())
    assert colours.count() == 2
    after = colours.nth(1).evaluate("each => getComputedStyle(each.firstChild).backgroundColor")
    dot = seen.page.locator(".pins .dot").nth(1).evaluate("each => getComputedStyle(each).backgroundColor")
    assert before == after == dot


def test_the_focus_stays_with_a_pin_and_goes_on_when_it_is_deleted(seen):
    chips, keyboard = seen.page.locator(".pins .chip"), seen.page.keyboard
    chips.nth(1).locator(".dot").focus()
    seen.after(lambda: keyboard.press("Enter"))
    assert seen.page.evaluate(FOCUS) == "dot"
    assert seen.page.locator(".unseen").inner_text() == "Holding pin B"
    seen.after(lambda: keyboard.press("Enter"))
    assert seen.page.locator(".unseen").inner_text() == "Let go of pin B"
    for left in (2, 1, 0):
        chips.last.locator(".delete").focus()
        seen.after(lambda: keyboard.press("Enter"))
        assert chips.count() == left
        assert seen.page.evaluate(FOCUS) == ("delete" if left else "panels")
    assert seen.page.locator(".unseen").inner_text() == "Deleted pin A"


def test_delete_takes_the_pin_under_the_cursor_and_no_other(seen, probe):
    grid, chips = seen.page.locator(".panels"), seen.page.locator(".pins .chip")
    seen.hover(0, 0.99, 0.99)
    grid.focus()
    seen.page.keyboard.press("Delete")
    seen.after(lambda: seen.page.keyboard.press("ArrowUp"))
    assert chips.count() == 3
    row, column = probe.panels[0].looks[0].place(probe.pins[1].across, probe.pins[1].down)
    seen.hover(0, (column + 0.5) / 16, (row + 0.5) / 16)
    seen.after(lambda: seen.page.keyboard.press("Delete"))
    assert [chip.input_value() for chip in seen.page.locator(".pins input").all()] == ["A", "C"]


def test_pins_are_ranked_where_the_heat_is(seen, probe):
    seen.choose("percentile")
    seen.hover(0, 0.45, 0.35)
    panel, at = probe.panels[0], divmod(seen.at(0), 16)
    heat = panel.percentile(0, at, panel.similarity(0, at))

    def told() -> list[str]:
        return seen.page.locator(".pinned").first.inner_text().split()

    places = [panel.looks[0].place(pin.across, pin.down) for pin in probe.pins]
    wanted = " ".join(f"{pin.label} {100 * heat[place]:.1f} %" for pin, place in zip(probe.pins, places, strict=True))
    assert told() == wanted.split()
    seen.after(lambda: seen.page.locator(".pins .dot").nth(2).click())  # the heat is another's now, the pins' are not
    assert told() == wanted.split()


def test_what_asks_nothing_of_a_layer_cannot_be_chosen(seen, probe):
    percentile = seen.page.locator("input[value=percentile]")
    seen.choose("norm")
    assert percentile.is_disabled()
    assert seen.page.locator(".bar .ends").first.inner_text().split("\n") == [
        "least",
        "norm of each encoder's tokens",
        "most",
    ]
    words = seen.page.locator(".reading").all_inner_texts()
    norms = probe.panels[0].norms(0)
    assert words[0] == f"Norm {say(float(norms.min()))} to {say(float(norms.max()))}"
    assert np.ptp(probe.panels[1].norms(0)) < 1e-3  # tiny-random ends in a norm: what is left is rounding
    assert words[1] == f"Norm {say(float(probe.panels[1].norms(0).min()))} for all patches, to a thousandth"
    flat = seen.page.locator(".panel").nth(1).locator("canvas").first
    drawn = flat.evaluate("each => [...each.getContext('2d').getImageData(0, 0, 16, 16).data]")
    assert len({tuple(drawn[i : i + 4]) for i in range(0, len(drawn), 4)}) == 1
    seen.choose("photo")
    assert seen.page.locator(".probe > .bar").is_hidden()
    seen.choose("similarity")
    assert percentile.is_enabled()


def test_the_photo_is_named_and_is_not_elsewhere(seen, probe):
    select, named = seen.page.locator(".controls select"), seen.page.locator(".named")
    assert named.inner_text() == probe.photos[0].id
    assert select.locator("option").nth(1).is_disabled()
    seen.after(lambda: select.select_option(index=3))
    seen.after(lambda: seen.page.locator(".strip button").nth(2).click())
    assert named.inner_text() == probe.photos[2].id
    assert select.input_value() == ""
    assert seen.page.locator(".panel .stage:visible").count() == 2
    assert seen.page.locator(".reading").first.inner_text().startswith(f"like A of {probe.photos[0].id}: best ")


def test_a_finger_drags_the_cursor(browser: Browser, file: Path):
    context = browser.new_context(offline=True, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    phone = Seen(context.new_page(), file)
    stage = phone.page.locator(".panel .stage").first.bounding_box()
    assert stage
    devtools = context.new_cdp_session(phone.page)

    def finger(kind: str, across: float) -> None:
        points = [{"x": stage["x"] + across * stage["width"], "y": stage["y"] + 0.5 * stage["height"]}]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else points})

    phone.after(lambda: finger("touchStart", 0.2))
    assert phone.at(0) % 16 == 3
    for across in (0.4, 0.6, 0.8):
        phone.after(lambda across=across: finger("touchMove", across))
    assert phone.at(0) % 16 == 12
    finger("touchEnd", 0.8)
    assert phone.page.locator(".pins .chip").count() == 3
    context.close()


def test_the_command_can_be_copied(browser: Browser, report: Report, tmp_path: Path):
    words = "repscope compare 'my photo.jpg' -m tiny-mae,tiny-random"
    page = tmp_path / "report.html"
    page.write_text(html(replace(report, provenance={"command": words})), encoding="utf-8")
    context = browser.new_context(offline=True, permissions=["clipboard-read", "clipboard-write"])
    opened = Seen(context.new_page(), page)
    button = opened.page.get_by_role("button", name="Copy")
    button.click()
    opened.until("document.querySelector('button.copy').textContent === 'Copied'")
    assert opened.page.evaluate("navigator.clipboard.readText()") == words
    context.close()


def test_numbers_are_words_as_in_python(browser: Browser):
    rng = np.random.default_rng(0)
    values = [0.0, -0.5, 0.9996, 9.996, 99.96, 999.4, 1234.6, -123456.7, 1e6, 1.5e7, 0.0004, -0.00012, 0.00099999]
    values += [1.23e-5, -1e-9, *(rng.normal(size=200) * 10.0 ** rng.integers(-7, 8, 200)).tolist()]
    source = files("repscope.render").joinpath("templates/probe/draw.js").read_text(encoding="utf-8")
    page = browser.new_page()
    found = page.evaluate(
        f"values => {{ {source.replace('export ', '')}; return [...values.map(say), say(NaN)]; }}", values
    )
    assert found == [*map(say, values), say(None)]
    page.close()


@pytest.mark.parametrize("what", ["codes", "scales"])
def test_a_photo_that_is_damaged_leaves_the_others(
    browser: Browser, report: Report, probe: Probe, tmp_path: Path, what
):
    panel = probe.panels[0]
    looks = list(panel.looks)
    looks[1] = replace(looks[1], **{what: base64.b64decode("AAAA")})
    mended = replace(probe, panels=(replace(panel, looks=tuple(looks)), *probe.panels[1:]))
    page = tmp_path / "report.html"
    page.write_text(html(Report("damaged", (mended,))), encoding="utf-8")
    seen = Seen(browser.new_page(), page)
    seen.page.locator(".strip button").nth(1).click()
    seen.until("document.querySelector('figure.probe > .failed')?.textContent.includes('data are damaged')")
    seen.after(lambda: seen.page.locator(".strip button").nth(2).click())
    assert seen.page.locator(".strip button").nth(2).get_attribute("aria-pressed") == "true"
    seen.hover(0, 0.5, 0.5)
    assert seen.at(0) == 8 * 16 + 8
    seen.page.close()
