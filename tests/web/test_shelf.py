"""Reports that are saved and opened again, and what strangers may have put there."""

import base64
import io
import json
import zlib
from pathlib import Path

import pytest
from asked import png
from PIL import Image

from repscope.cli.serve import sorted_places
from repscope.render.html import html
from repscope.render.json import from_json
from repscope.render.json import json as as_json
from repscope.report import Report
from repscope.web.library import Library


def test_what_is_saved_is_what_was_shown(visitor):
    question, file = visitor.question("one.png"), visitor.folder / "photos" / "one.png"
    shown = visitor.client.get(f"/compare.json?{question}").json()
    file.write_bytes(png(7))
    folder = visitor.client.post(f"/reports/compare?{question}").json()["folder"]
    assert json.loads(Path(folder, "report.json").read_text(encoding="utf-8")) == shown


def test_reports_are_saved_listed_and_shown(visitor):
    question = visitor.question("one.png")
    assert visitor.client.get("/reports").json() == []
    folders = [visitor.client.post(f"/reports/compare?{question}").json()["folder"] for _ in range(2)]
    assert folders[1] == f"{folders[0]}-2"
    saved = visitor.client.get("/reports").json()
    assert [each["title"] for each in saved] == ["tiny-mae, tiny-random on one.png"] * 2
    with Image.open(io.BytesIO(visitor.client.get(f"/reports/{saved[0]['key']}.jpg").content)) as image:
        assert image.format == "JPEG"
        assert image.width > 100
    page = visitor.client.get(f"/reports/{saved[0]['key']}.html")
    disk = (visitor.folder / "reports" / saved[0]["folder"] / "report.json").read_text()
    assert page.text == html(from_json(disk))
    assert visitor.client.get("/reports/nothing.html").status_code == 404


def test_a_folder_may_hold_photos_and_reports(visitor):
    saved = visitor.client.post(f"/reports/compare?{visitor.question('one.png')}").json()["folder"]
    photos = visitor.folder / "photos"
    Path(saved).rename(photos / "out")
    assert sorted_places([str(photos)]) == ([photos], [str(photos)])
    assert [entry.name for entry in Library([str(photos)]).entries()] == ["one.png", "three.png", "two.png"]
    assert sorted_places([str(photos / "out")]) == ([photos / "out"], [])


def test_a_saved_page_of_somebody_else_is_not_served(visitor):
    evil = visitor.folder / "reports" / "evil"
    evil.mkdir(parents=True)
    (evil / "report.html").write_text("<script>alert(1)</script>")
    assert visitor.client.get("/reports").json() == []
    (evil / "report.json").write_text("{}")
    (saved,) = visitor.client.get("/reports").json()
    answer = visitor.client.get(f"/reports/{saved['key']}.html")
    assert answer.status_code == 400
    assert "Make the report again" in answer.json()["error"]


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


LOOK = {
    "grid": [1, 1], "frame": [0, 0, 1, 1], "width": 1, "codes": packed(zlib.compress(bytes(50_000_000))),
    "scales": packed(bytes(4)), "offset": packed(bytes(8)), "lengths": packed(bytes(4)), "colours": packed(bytes(3)),
}  # fmt: skip


BOMB = {"block": "probe", "title": "", "photos": [], "panels": [{"encoder": "x", "looks": [LOOK]}]}


def large() -> str:
    out = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(out, "PNG")
    return packed(out.getvalue())


PICTURE = {"caption": "", "pixels": {"width": 10_000, "height": 10_000, "png": large()}}


LARGE = {"block": "gallery", "title": "", "pictures": [PICTURE]}


@pytest.mark.parametrize(
    "change",
    [
        {"provenance": []},
        {"blocks": [{"block": "heatmap", "title": "", "rows": ["a"], "columns": [], "cells": []}]},
        {"provenance": {"digits": "HUGE"}},
        {"blocks": [BOMB]},
        {"blocks": [LARGE]},
    ],
    ids=["provenance", "heatmap", "digits", "codes", "picture"],
)
def test_a_hostile_report_is_refused_in_words(visitor, change):
    folder = visitor.folder / "reports" / "odd"
    folder.mkdir(parents=True)
    whole = json.loads(as_json(Report("odd", ())))
    (folder / "report.json").write_text(json.dumps(whole | change).replace('"HUGE"', "9" * 5000))
    (folder / "manifest.json").write_text("[" * 200_000)
    (saved,) = visitor.client.get("/reports").json()
    answer = visitor.client.get(f"/reports/{saved['key']}.html")
    assert answer.status_code == 400
    assert "saved report" in answer.json()["error"] or "Make the report again" in answer.json()["error"]


def test_a_folder_that_cannot_be_written_is_said(visitor):
    (visitor.folder / "reports").write_text("a file")
    answer = visitor.client.post(f"/reports/compare?{visitor.question('one.png')}")
    assert answer.status_code == 507
    assert "Cannot write" in answer.json()["error"]
