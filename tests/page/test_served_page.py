"""The served page in a browser, as `repscope serve` shows it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import until
from playwright.sync_api import Browser, Page
from serving import ENCODERS, Server, drawn, looked


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1300, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    page.goto(server.address)
    page.wait_for_selector("#photos button")
    yield page
    context.close()
    assert wrong == []


def test_a_question_shows_the_reports_own_fragment(page: Page, server: Server):
    assert page.locator("#photos button[aria-pressed=true]").count() == 1
    page.locator("#photos button").nth(1).click()
    looked(page)
    assert page.locator("figure.probe").count() == 1
    title = page.locator("#answer h1").inner_text()
    assert title == "tiny-mae, tiny-random on 2 photos"
    # what is shown is the renderer's fragment to the last tag, read by the browser as it reads any page
    served = page.evaluate(
        """(async () => {
            const address = document.querySelector('.tools a').href.replace('.html', '.fragment');
            const read = new DOMParser().parseFromString(await (await fetch(address)).text(), 'text/html');
            const parts = (whole) => [...whole.querySelectorAll('article.repscope > :not(figure.probe)')];
            return [read, document].map((whole) => parts(whole).map((part) => part.outerHTML));
        })()"""
    )
    assert len(served[0]) > 10
    assert [part.replace(' hidden=""', "") for part in served[0]] == [
        part.replace(' hidden=""', "") for part in served[1]
    ]
    before = page.locator(".reading").all_inner_texts()
    box = page.locator(".stage").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"])
    until(page, f"document.querySelector('.reading').textContent !== {before[0]!r}")
    assert page.locator(".reading").nth(1).inner_text() != before[1]


def test_the_address_asks_again(page: Page, browser: Browser):
    looked(page)
    other = browser.new_page()
    other.goto(page.url)
    other.wait_for_selector("#answer h1")
    assert other.locator("#answer h1").inner_text() == page.locator("#answer h1").inner_text()
    other.close()


def test_photos_are_added_and_what_is_none_is_said(page: Page, tmp_path: Path):
    drawn(9).save(tmp_path / "mine.png")
    (tmp_path / "words.png").write_text("Dear diary")
    count = page.locator("#photos button").count()
    page.set_input_files("#files", [tmp_path / "mine.png", tmp_path / "words.png"])
    until(page, "document.querySelector('#status').classList.contains('wrong')")
    assert "words.png: not an image" in page.inner_text("#status")
    assert page.locator("#photos button").count() == count + 1
    assert page.locator("#photos button[aria-label='mine.png']").get_attribute("aria-pressed") == "true"


def test_a_dropped_and_a_pasted_photo_are_added(page: Page):
    count = page.locator("#photos button").count()
    for kind, wrapped in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            f"""(async () => {{
                const canvas = new OffscreenCanvas(64, 64), context = canvas.getContext("2d");
                context.fillStyle = "{"teal" if kind == "drop" else "coral"}";
                context.fillRect(9, 9, 40, 30);
                const blob = await canvas.convertToBlob(), data = new DataTransfer();
                data.items.add(new File([blob], "{kind}.png", {{ type: "image/png" }}));
                const Kind = "{kind}" === "drop" ? DragEvent : ClipboardEvent;
                dispatchEvent(new Kind("{kind}", {{ {wrapped}: data }}));
            }})()"""
        )
        count += 1
        until(page, f"document.querySelectorAll('#photos button').length === {count}")


def test_too_few_encoders_cannot_be_asked(page: Page):
    page.locator("#encoders input[value=tiny-mae]").uncheck()
    assert page.locator("#run").is_disabled()
    assert "compare wants 2 or more encoders" in page.inner_text("#lacking")
    page.select_option("#analysis", "inspect")
    assert page.locator("#run").is_enabled()
    looked(page)
    assert page.locator("#answer h1").inner_text().startswith("tiny-random on ")


def test_what_is_refused_is_said_whatever_else_is_lacking(page: Page, tmp_path: Path):
    page.click("#none")
    assert page.inner_text("#lacking") == "Choose a photo."
    page.locator("#encoders input[value=tiny-mae]").uncheck()
    (tmp_path / "words.png").write_text("Dear diary")
    (tmp_path / "more.png").write_text("")
    page.set_input_files("#files", [tmp_path / "words.png", tmp_path / "more.png"])
    until(page, "document.querySelector('#status').classList.contains('wrong')")
    assert "words.png: not an image" in page.inner_text("#status")
    assert "more.png: " in page.inner_text("#status")
    assert "compare wants 2 or more encoders" in page.inner_text("#lacking")


def test_the_address_is_of_what_is_shown(page: Page):
    looked(page)
    first = page.url
    page.locator("#photos button").nth(1).click()
    looked(page)
    assert page.locator("#answer h1").inner_text().endswith("on 2 photos")
    box = page.locator(".stage").first.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"])
    until(page, "location.hash.startsWith('#pins=')")
    page.reload()
    until(page, "document.querySelectorAll('.pins .chip').length === 4")
    page.go_back()
    until(page, "document.querySelector('#answer h1')?.textContent.endsWith('0.png')")
    assert page.url == first


def test_an_address_of_photos_that_have_gone_is_not_another_question(page: Page, server: Server):
    page.goto(f"{server.address}?photo=zz&m={ENCODERS}&ask=nonsense&frame=round")
    until(page, "document.querySelector('#status').classList.contains('wrong')")
    assert page.inner_text("#status") == "1 of 1 photos of this address are not here any more."
    assert page.inner_text("#lacking") == "Choose a photo."
    assert (page.input_value("#analysis"), page.input_value("#frame")) == ("compare", "square")
    assert page.locator("#answer h1").count() == 0


def test_pins_belong_to_the_report_they_were_made_in(page: Page):
    looked(page)
    page.get_by_role("button", name="Save the report").click()
    page.wait_for_selector("#saved a")
    box = page.locator(".stage").first.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"])
    until(page, "document.querySelectorAll('.pins .chip').length === 4")
    page.locator("#saved a").first.click()
    until(page, "location.search.startsWith('?report=') && document.querySelectorAll('.pins .chip').length === 3")


def test_a_report_is_saved_and_opened_again(page: Page, server: Server):
    looked(page)
    page.get_by_role("button", name="Save the report").click()
    page.wait_for_selector("#saved a")
    folders = sorted(path.name for path in (server.folder / "reports").iterdir())
    assert folders[0] == "tiny-mae-tiny-random-on-0-png"
    assert (server.folder / "reports" / folders[0] / "manifest.json").is_file()
    page.goto(server.address)  # without the question, which would be asked again
    page.wait_for_selector("#saved a")
    assert page.locator("#answer h1").count() == 0
    page.locator("#saved a").first.click()
    until(page, "document.querySelector('#answer h1')?.textContent === 'tiny-mae, tiny-random on 0.png'")
    assert "?report=" in page.url
    page.reload()
    until(page, "document.querySelector('#answer h1')?.textContent === 'tiny-mae, tiny-random on 0.png'")


def test_the_reports_page_itself_has_a_probe_that_works(page: Page, server: Server):
    looked(page)
    address = page.locator(".tools a").first.get_attribute("href")
    page.goto(server.address.rstrip("/") + str(address))
    page.wait_for_selector("figure.probe:not([data-drawn='0'])")


def test_a_photo_deleted_meanwhile_is_said(page: Page, server: Server):
    gone = server.folder / "photos" / "gone.png"
    drawn(5).save(gone)
    page.reload()
    page.wait_for_selector("#photos button[aria-label='gone.png']")
    page.click("#none")
    assert page.locator("#run").is_disabled()
    page.locator("#photos button[aria-label='gone.png']").click()
    gone.unlink()
    looked(page)
    assert re.search("no photo .* any more", page.inner_text("#status"))


def test_a_phone_has_it_all_in_one_column(browser: Browser, server: Server):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(server.address)
    page.wait_for_selector("#photos button")
    looked(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#answer h1").bounding_box()["y"] < 370  # the answer, not the questions
    page.close()
