"""The probe in a browser, from disk, with the network off: it shows what Python says."""

import re

import numpy as np
import pytest
from opened import Seen
from playwright.sync_api import Browser

import repscope
from repscope.analyses._codes import unit
from repscope.analyses._position import position_directions
from repscope.render._colours import coloured
from repscope.render.html import fragment, html
from repscope.report import Probe
from repscope.report.probe import KINDS

BOUND = 0.02
NAMES = ("tiny-mae", "tiny-random")


def place(seen: Seen, panel: int, probe: Probe) -> tuple[int, int]:
    return divmod(seen.at(panel), probe.panels[panel].looks[0].grid[1])


def test_it_asks_for_nothing_but_itself(seen, file):
    seen.hover(0, 0.4, 0.6)
    assert [url for url in seen.requests if not url.startswith("data:")] == [file.as_uri()]
    assert seen.wrong == []


def test_hovering_one_panel_changes_all(seen):
    seen.hover(0, 0.2, 0.3)
    before, words = seen.pixels(), seen.page.locator(".reading").all_inner_texts()
    seen.hover(0, 0.8, 0.7)
    after = seen.pixels()
    for i in (0, 2):  # the second canvas of a panel is that of another photo, not shown
        assert before[i] != after[i]
    assert all(one != other for one, other in zip(words, seen.page.locator(".reading").all_inner_texts(), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_values_under_the_cursor_are_those_of_python(seen, probe, photos, kind):
    if kind != "centred":
        seen.choose(kind)
    seen.hover(1, 0.31, 0.77)
    for i, name in enumerate(NAMES):
        (tokens,) = repscope.load(name)(photos)
        position = position_directions([*tokens.patches])
        exact = unit(tokens.patches[0].reshape(-1, tokens.width).astype(np.float64), kind, position)
        at = seen.at(i)
        assert at == 12 * 16 + 4
        shown = seen.values(i)
        np.testing.assert_allclose(shown, exact @ exact[at], atol=BOUND)
        np.testing.assert_allclose(shown, probe.panels[i].similarity(0, divmod(at, 16), kind).ravel(), atol=1e-5)
        assert seen.page.locator(".reading").nth(i).inner_text().startswith("best 0.")


def bar(seen: Seen) -> list[tuple[int, ...]]:
    """The colours of the bar below the panels."""
    shown = seen.page.locator(".bar .gradient").first.evaluate("each => each.style.background")
    return [tuple(map(int, re.findall(r"\d+", stop))) for stop in re.findall(r"rgb\(([^)]*)\)", shown)]


def stops(low: float, high: float) -> list[tuple[int, ...]]:
    """The same from Python: of 256 steps every sixteenth."""
    table = coloured(np.linspace(low, high, 256), (low, high))
    return [tuple(table[int(i * 15.9375 + 0.5)].tolist()) for i in range(17)]


def test_the_bar_has_the_colours_of_the_heat(seen):
    assert bar(seen) == stops(-1.0, 1.0)


def test_percentiles_are_those_of_python(seen, probe):
    seen.choose("percentile")
    seen.hover(0, 0.5, 0.5)
    for i in range(len(NAMES)):
        panel, at = probe.panels[i], place(seen, i, probe)
        expected = panel.percentile(0, at, panel.similarity(0, at))
        np.testing.assert_allclose(seen.values(i), expected.ravel(), atol=0.003)
    assert "of other photos' patches" in seen.page.locator(".bar .ends").first.inner_text()
    assert bar(seen) == stops(0.0, 1.0)
    assert "%" in seen.page.locator(".reading").first.inner_text()


def test_another_photo_can_be_looked_for_the_same(seen, probe):
    seen.after(lambda: seen.page.locator(".controls select").select_option(index=4))
    seen.hover(0, 0.5, 0.4)
    panel, at = probe.panels[1], place(seen, 1, probe)
    found = seen.ask("const p = probe.panels[1]; return [...p.values(probe.state.query, 3, probe.state).values]")
    np.testing.assert_allclose(found, panel.similarity(0, at, target=3).ravel(), atol=1e-5)
    assert seen.page.locator(".panel .stage").nth(1).is_visible()


def test_pins_stay_and_go(seen):
    chips = seen.page.locator(".pins .chip")
    first = chips.count()
    seen.hover(0, 0.25, 0.75)
    seen.after(lambda: seen.page.mouse.down() or seen.page.mouse.up())
    seen.until(f"document.querySelectorAll('.pins .chip').length === {first + 1}")
    held = seen.values(1)
    seen.after(lambda: chips.last.locator(".dot").click())
    seen.hover(0, 0.9, 0.1)
    np.testing.assert_array_equal(seen.values(1), held)
    assert "at the cursor" in seen.page.locator(".reading").first.inner_text()
    name = chips.last.locator("input")
    name.fill("tail")
    seen.after(lambda: name.press("Enter"))
    assert seen.page.locator(".box.pin b", has_text="ta").count() == len(NAMES)
    seen.page.reload()
    seen.page.wait_for_selector("figure.probe:not([data-drawn='0'])")
    assert chips.count() == first + 1
    assert chips.last.locator("input").input_value() == "tail"
    seen.after(lambda: chips.last.locator(".delete").click())
    assert chips.count() == first


def test_pins_belong_to_their_photo(seen):
    seen.after(lambda: seen.page.locator(".strip button").nth(2).click())
    assert seen.page.locator(".box.pin").count() == 0
    assert seen.ask("return probe.state.query.photo") == 0
    seen.after(lambda: seen.page.locator(".strip button").nth(0).click())
    assert seen.page.locator(".box.pin:visible").count() == 3 * len(NAMES)
    assert seen.page.locator(".reading").first.inner_text().startswith("like A: best ")


def test_the_keyboard_does_it_all(seen):
    grid = seen.page.locator(".panels")
    grid.focus()
    chips = seen.page.locator(".pins .chip")
    seen.after(lambda: seen.page.keyboard.press("ArrowRight"))
    assert seen.at(0) == 8 * 16 + 8
    for key, at in (("ArrowRight", 8 * 16 + 9), ("ArrowUp", 7 * 16 + 9), ("ArrowLeft", 7 * 16 + 8), ("ArrowDown", 136)):
        seen.after(lambda key=key: seen.page.keyboard.press(key))
        assert seen.at(1) == at
    seen.after(lambda: seen.page.keyboard.press("Enter"))
    assert chips.count() == 4
    seen.after(lambda: seen.page.keyboard.press("4"))
    assert chips.last.locator(".dot").get_attribute("aria-pressed") == "true"
    seen.after(lambda: seen.page.keyboard.press("Delete"))
    assert chips.count() == 3
    seen.after(lambda: seen.page.keyboard.press("PageDown"))
    assert seen.page.locator(".strip button").nth(1).get_attribute("aria-pressed") == "true"
    seen.after(lambda: seen.page.keyboard.press("ArrowDown"))
    seen.until("document.querySelector('.unseen').textContent.startsWith('Row 9, column 9. tiny-mae: best')")
    seen.after(lambda: seen.page.keyboard.press("Escape"))
    assert seen.ask("return probe.state.cursor") is None


def test_a_cursor_stops_at_the_edge(seen):
    seen.page.locator(".panels").focus()
    seen.after(lambda: [seen.page.keyboard.press("ArrowUp") for _ in range(30)])
    seen.until("document.querySelector('figure.probe').probe.panels[0].at === 8")


@pytest.mark.parametrize("layer", ["PCA", "norm", "attention", "photo"])
def test_layers_are_pictures_of_their_own(seen, probe, layer):
    before = seen.pixels()[0]
    seen.choose(layer)
    assert seen.pixels()[0] != before
    seen.hover(0, 0.5, 0.5)
    words = seen.page.locator(".reading").first.inner_text()
    panel = probe.panels[0]
    if layer == "norm":
        assert f"{panel.norms(0)[8, 8]:.1f} at the cursor" in words
    if layer == "attention":
        looked = panel.looks[0].looked_at
        assert looked is not None
        assert f"{looked[8, 8]:.3f} at the cursor" in words
        assert "all patches' attention to each patch in block 6" in words  # tiny-mae has no CLS token
    colours = seen.page.locator(".stage canvas").first.evaluate(
        "each => [...each.getContext('2d').getImageData(8, 8, 1, 1).data]"
    )
    if layer == "PCA":
        np.testing.assert_allclose(colours[:3], panel.looks[0].pca[8, 8], atol=2)  # premultiplied by its opacity
    assert (colours[3] == 0) == (layer == "photo")


def test_a_failed_encoder_says_why_in_its_panel(seen):
    panel = seen.page.locator(".panel").nth(2)
    assert panel.locator("h3").inner_text() == "broken"
    assert panel.locator(".failed").inner_text() == "No picture: its weights <i>are</i> damaged."
    assert panel.locator(".stage").count() == 0
    assert seen.page.locator(".notes .warning", has_text="broken is left out").count() == 1


def test_the_loss_stands_in_the_panel(seen, probe):
    for i in range(len(NAMES)):
        panel = probe.panels[i]
        assert panel.error <= BOUND
        words = seen.page.locator(".panel .beside").nth(i).inner_text()
        assert f"off by at most {panel.error:.3f}" in words
        assert f"between photos by {panel.across:.3f}" in words


def test_what_cannot_be_chosen_says_why(browser: Browser, photos, tmp_path):
    file = tmp_path / "one.html"
    file.write_text(html(repscope.inspect(photos[:1], repscope.load("tiny-mae"))), encoding="utf-8")
    one = Seen(browser.new_page(), file)
    for value, reason in (("position removed", "or more, not over 1."), ("percentile", "give two photos or more.")):
        assert one.page.locator(f"input[value='{value}']").is_disabled()
        words = one.page.locator(".absent", has_text=f"{value.capitalize()}: ").inner_text()
        assert words.endswith(reason)
    assert one.page.locator(".absent").count() == 2
    one.page.close()


def test_opacity_and_smoothing(seen):
    before = seen.pixels()[0]
    seen.after(lambda: seen.page.locator("input[type=range]").fill("1"))
    assert seen.pixels()[0] != before
    seen.after(lambda: seen.page.locator("input[type=checkbox]").check())
    assert seen.page.locator(".stage canvas").first.evaluate("each => getComputedStyle(each).imageRendering") == "auto"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_tap_asks(browser: Browser, file, scheme):
    context = browser.new_context(
        offline=True, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, color_scheme=scheme
    )
    phone = Seen(context.new_page(), file)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    stage = phone.page.locator(".panel .stage").first
    box = stage.bounding_box()
    assert box
    assert box["width"] > 120
    phone.after(lambda: phone.page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"]))
    assert phone.at(0) % 16 == 4
    assert phone.page.locator(".pins .chip").count() == 3  # a tap looks; the button pins
    phone.after(lambda: phone.page.get_by_role("button", name="Pin", exact=True).click())
    assert phone.page.locator(".pins .chip").count() == 4
    paper = phone.page.locator(".repscope").evaluate("each => getComputedStyle(each).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 23, 27)"}[scheme]
    assert phone.wrong == []
    context.close()


def test_another_address_gives_other_pins_or_none(browser: Browser, file):
    for address, wanted in (("#pins=1:0.5:0.5:nose", ["nose"]), ("#pins=99:0:0:x,0:7:7:y", []), ("#pins=%,:", [])):
        context = browser.new_context(offline=True)
        page = context.new_page()
        page.goto(file.as_uri() + address)
        page.wait_for_selector("figure.probe:not([data-drawn='0'])")
        assert [chip.input_value() for chip in page.locator(".pins input").all()] == wanted
        context.close()


def test_two_probes_on_a_page_are_two(browser: Browser, report, tmp_path):
    """As where two cells of a notebook show one: each keeps its choices, and neither writes the address."""
    page = tmp_path / "notebook.html"
    page.write_text("<!doctype html><meta charset=utf-8>" + 2 * fragment(report), encoding="utf-8")
    both = Seen(browser.new_page(), page)
    both.until("document.querySelectorAll('figure.probe:not([data-drawn=\"0\"])').length === 2")
    first, second = (both.page.locator("figure.probe").nth(i) for i in range(2))
    second.locator("input[value=norm]").check(force=True)
    both.until("document.querySelectorAll('figure.probe')[1].textContent.includes('Norm ')")
    assert first.locator("input[value=similarity]").is_checked()
    assert not second.locator("input[value=similarity]").is_checked()
    assert "Norm " not in first.locator(".reading").first.inner_text()
    assert "#" not in both.page.url
    both.page.close()
