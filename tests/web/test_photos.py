"""Photos of folders, changed, gone, broken or oddly named, and photos dropped in."""

import io
import os

import pytest
from asked import png
from PIL import Image

from repscope.render.json import json as as_json
from repscope.report import Report
from repscope.web.app import LARGEST


def test_folders_are_not_listed_for_every_small_picture(visitor, monkeypatch):
    keys = [visitor.key(name) for name in ("one.png", "two.png", "three.png")]
    monkeypatch.setattr("repscope.web.library.sources", lambda paths: pytest.fail("listed"))
    assert [visitor.client.get(f"/photos/{key}.jpg").status_code for key in keys] == [200] * 3


def test_a_photo_that_has_gone_is_said(visitor):
    question = visitor.question("one.png")
    both = visitor.question("one.png", "two.png")
    key = visitor.key("one.png")
    (visitor.folder / "photos" / "one.png").unlink()
    for answer in (
        visitor.client.get(f"/compare.json?{question}"),
        visitor.client.post(f"/ask/compare?{both}"),
        visitor.client.get(f"/photos/{key}.jpg"),
    ):
        assert answer.status_code == 404
        assert "photo" in answer.json()["error"]


def test_names_that_are_not_utf8_are_listed_and_asked(visitor):
    name = os.fsdecode(b"caf\xe9.png")
    (visitor.folder / "photos" / name).write_bytes(png(3))
    said = visitor.client.get("/choices")
    assert said.status_code == 200
    assert name in [photo["name"] for photo in said.json()["photos"]]
    key = visitor.key(name)
    assert visitor.client.get(f"/compare.json?photo={key}&m=tiny-mae,tiny-random").status_code == 200
    saved = visitor.client.post(f"/reports/compare?photo={key}&m=tiny-mae,tiny-random")
    assert saved.status_code == 200
    odd = visitor.folder / "reports" / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    (odd / "report.json").write_text(as_json(Report("odd", ())))
    (odd / "manifest.json").write_text('{"title": "\\ud800"}')
    found = visitor.client.get("/reports").json()
    assert sorted(each["title"] for each in found)[1:] == ["\ud800"]
    assert [visitor.client.get(f"/reports/{each['key']}.html").status_code for each in found] == [200, 200]
    (visitor.folder / "photos" / name).write_bytes(b"no picture")
    assert visitor.client.get(f"/photos/{key}.jpg").status_code == 415


def test_pipes_and_devices_are_not_waited_for(visitor):
    os.mkfifo(visitor.folder / "photos" / "pipe.jpg")
    (visitor.folder / "photos" / "zero.png").symlink_to("/dev/zero")
    names = [photo["name"] for photo in visitor.client.get("/choices").json()["photos"]]
    assert names == ["one.png", "three.png", "two.png"]
    folder = visitor.folder / "reports" / "odd"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(as_json(Report("odd", ())))
    os.mkfifo(folder / "manifest.json")
    os.mkfifo(folder / "pca-maps.png")
    (saved,) = visitor.client.get("/reports").json()
    assert saved["title"] == "odd"
    assert visitor.client.get(f"/reports/{saved['key']}.jpg").status_code == 404


def test_photos_dropped_in_take_so_much_memory_and_no_more(visitor, monkeypatch):
    monkeypatch.setattr("repscope.web.library.DROPPED", 3 * 64 * 64 * 3)
    keys = [visitor.client.post("/photos?name=x.png", content=png(seed)).json()["key"] for seed in range(5)]
    assert list(visitor.site.library.dropped) == keys[2:]
    assert visitor.client.get(f"/photos/{keys[0]}.jpg").status_code == 404
    assert visitor.client.get(f"/photos/{keys[4]}.jpg").status_code == 200


def test_a_broken_photo_is_skipped_by_name(visitor):
    (visitor.folder / "photos" / "two.png").write_bytes(b"no picture")
    said = visitor.client.get(f"/compare.json?{visitor.question('one.png', 'two.png')}").json()
    assert len(said["skipped"]) == 1
    assert visitor.client.get(f"/photos/{visitor.key('two.png')}.jpg").status_code == 415


def test_a_photo_that_was_changed_is_looked_at_again(visitor):
    question, file = visitor.question("one.png"), visitor.folder / "photos" / "one.png"
    before, thumb = visitor.client.get(f"/compare.json?{question}").json(), visitor.key("one.png")
    small = visitor.client.get(f"/photos/{thumb}.jpg").content
    file.write_bytes(png(7))
    after = visitor.client.get(f"/compare.json?{question}").json()
    assert before["provenance"]["photos"][0]["sha256"] != after["provenance"]["photos"][0]["sha256"]
    assert visitor.client.get(f"/photos/{thumb}.jpg").content != small


def test_photos_can_be_dropped_in(visitor):
    key = visitor.client.post("/photos?name=..%2F..%2Fmine.png", content=png()).json()
    assert key["name"] == "mine.png"
    said = visitor.client.get(f"/compare.json?photo={key['key']}&m=tiny-mae,tiny-random").json()
    assert said["title"].endswith("on mine.png")
    assert said["provenance"]["command"] == ""
    with Image.open(io.BytesIO(visitor.client.get(f"/photos/{key['key']}.jpg").content)) as image:
        assert image.format == "JPEG"
    assert sorted(path.name for path in visitor.folder.iterdir()) == ["photos", "secret.png"]


@pytest.mark.parametrize("content", [b"", b"<html>", b"GIF89a", png()[:90], b"\x00" * 1000])
def test_an_upload_that_is_no_image_says_so(visitor, content):
    answer = visitor.client.post("/photos?name=x.png", content=content)
    assert answer.status_code == 415
    assert answer.json()["error"].startswith("x.png: ")


def test_an_upload_over_the_limit_is_refused(visitor):
    assert visitor.client.post("/photos", content=b"", headers={"content-length": str(LARGEST + 1)}).status_code == 413

    def endless():
        for _ in range(LARGEST // 10**6 + 2):
            yield bytes(10**6)

    assert visitor.client.post("/photos", content=endless()).status_code == 413


def test_only_photos_of_the_folder_can_be_had(visitor):
    for path in (
        "/photos/..%2fsecret.png.jpg",
        "/photos/secret.jpg",
        "/photos/%2e%2e/secret.png",
        "/etc/passwd",
        "/x.json",
    ):
        assert visitor.client.get(path).status_code == 404
