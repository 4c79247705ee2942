"""Runs of the served page that are cancelled, killed and ended; and a server that others can reach."""

import json
import signal
import time
from pathlib import Path

from opened import until
from playwright.sync_api import Browser
from serving import Server, begun, drawn, looked, started

from repscope.web.shelf import Shelf


def test_a_server_that_is_killed_leaves_no_half_report_and_the_page_says_so(browser: Browser, many: Server):
    page = begun(browser, many)
    many.end(signal.SIGKILL)
    until(page, "document.querySelector('#status').textContent.includes('server is gone')")
    assert not (many.folder / "reports").exists()
    page.close()


def test_a_server_that_is_killed_while_it_saves_leaves_no_half_report(browser: Browser, many: Server):
    page = browser.new_page()
    page.goto(many.address)
    page.wait_for_selector("#photos button")
    looked(page)
    page.get_by_role("button", name="Save the report").click()
    reports, end = many.folder / "reports", time.monotonic() + 60
    while not (reports.is_dir() and any(reports.iterdir())):  # what is written aside, or all of it
        assert time.monotonic() < end
    many.end(signal.SIGKILL)
    for folder in reports.iterdir():
        if not folder.name.startswith("."):
            files = json.loads((folder / "manifest.json").read_text())["files"]
            assert {path.name for path in folder.iterdir()} == {*files, "manifest.json"}
    assert Shelf([], reports).saved() == [] or not any(path.name.startswith(".") for path in reports.iterdir())
    page.close()


def test_ctrl_c_ends_what_runs_without_a_traceback(browser: Browser, many: Server):
    page = begun(browser, many)
    assert many.end(signal.SIGINT) == 130
    assert many.process.stdout
    assert many.process.stdout.read() == "Ctrl-C ends it.\n"
    until(page, "document.querySelector('#status').textContent.includes('server is gone')")
    page.close()


def test_a_run_can_be_cancelled(browser: Browser, many: Server):
    page = begun(browser, many)
    page.click("#cancel")
    until(page, "document.querySelector('#status').textContent === 'Cancelled.'")
    assert page.locator("#answer h1").count() == 0
    page.close()
    assert many.end(signal.SIGINT) in (0, 130)


def test_elsewhere_than_on_this_machine_it_listens_with_a_token_only(browser: Browser, tmp_path: Path):
    (tmp_path / "photos").mkdir()
    drawn(0).save(tmp_path / "photos" / "0.png")
    serving = started(tmp_path, "--host", "0.0.0.0")
    bare, _, token = serving.address.partition("?token=")
    assert len(token) >= 32
    page = browser.new_page()
    assert page.goto(bare).status == 401
    assert page.goto(f"{bare}?token={token[:-1]}").status == 401
    page.goto(serving.address)
    page.wait_for_selector("#photos button")
    assert token not in page.url
    page.close()
    serving.end(signal.SIGINT)
    assert serving.process.stdout
    assert token not in serving.process.stdout.read()
    serving.process.stdout.close()
