"""The served page's addresses: what they answer, and what they refuse."""

import asyncio
import base64
import io
import json
import os
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import repscope
from repscope.cli.serve import serve
from repscope.errors import Stopped, UnfitCheckpoint, UnknownName, WrongUsage
from repscope.render.html import MODULES, fragment, html
from repscope.render.json import from_json
from repscope.render.json import json as as_json
from repscope.report import Report
from repscope.web.app import LARGEST, app
from repscope.web.serve import listening, local, names

HOST = "127.0.0.1:8760"


def png(seed: int = 0) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_the_choices_are_the_folder_and_the_encoders(visitor):
    said = visitor.client.get("/choices").json()
    assert [photo["name"] for photo in said["photos"]] == ["one.png", "three.png", "two.png"]
    assert {"tiny-mae", "dinov2-vit-s14"} <= {each["name"] for each in said["encoders"]}
    assert said["chosen"] == ["tiny-mae", "tiny-random"]
    (visitor.folder / "photos" / "two.png").unlink()
    assert len(visitor.client.get("/choices").json()["photos"]) == 2


def test_every_file_of_the_page_is_there(visitor):
    front = visitor.client.get("/")
    assert front.status_code == 200
    for name in ("serve.js", "serve.css", *(f"{module}.js" for module in MODULES)):
        assert visitor.client.get(f"/static/{name}").status_code == 200
    for name in ("serve.html", "..%2fapp.py", "style.css", "%2e%2e/app.py"):
        assert visitor.client.get(f"/static/{name}").status_code == 404


def test_an_answer_is_what_the_renderers_give(visitor):
    question = visitor.question("one.png", "two.png")
    paths = [str(visitor.folder / "photos" / name) for name in ("one.png", "two.png")]
    report = repscope.compare(paths, [repscope.load(name) for name in ("tiny-mae", "tiny-random")])
    assert visitor.client.get(f"/compare.json?{question}").text == as_json(report)
    assert visitor.client.get(f"/compare.fragment?{question}").text == fragment(report)
    page = visitor.client.get(f"/compare.html?{question}")
    assert page.text == html(report)
    assert page.headers["content-type"].startswith("text/html")


def test_inspect_answers_too(visitor):
    question = visitor.question("one.png", models="tiny-mae", frame="official", layer=3, query="0.5,0.5")
    said = visitor.client.get(f"/inspect.json?{question}").json()
    assert said["provenance"]["options"]["framing"] == "official"
    assert said["provenance"]["options"]["layers"] == [3]
    assert said["provenance"]["options"]["queries"] == [[0.5, 0.5]]


def test_a_second_question_about_the_same_photo_costs_no_forward(visitor):
    visitor.client.get(f"/compare.json?{visitor.question('one.png')}")
    encoders = visitor.site.desk.encoders
    assert {name: encoder.forwards for name, encoder in encoders.items()} == {"tiny-mae": 1, "tiny-random": 1}
    visitor.client.get(f"/compare.json?{visitor.question('one.png', query='0.2,0.2')}")
    visitor.client.get(f"/inspect.json?{visitor.question('one.png', models='tiny-mae')}")
    assert encoders["tiny-mae"].forwards == 1
    visitor.client.get(f"/compare.json?{visitor.question('one.png', 'two.png')}")
    assert {name: encoder.forwards for name, encoder in encoders.items()} == {"tiny-mae": 2, "tiny-random": 2}


def test_progress_is_told_until_the_end(visitor):
    question = visitor.question("one.png", "two.png")
    visitor.client.post(f"/ask/compare?{question}")
    with visitor.client.stream("GET", f"/ask/compare/events?{question}") as told:
        assert told.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line.removeprefix("data: ")) for line in told.iter_lines() if line]
    assert events[-1]["where"] == "done"
    assert [event["where"] for event in events] == sorted(
        (event["where"] for event in events), key=["waiting", "loading", "looking", "done"].index
    )
    assert all(event["done"] <= event["total"] == 2 for event in events if event["where"] in ("loading", "looking"))


def test_telling_where_a_question_stands_asks_none(visitor):
    question = visitor.question("one.png")
    answer = visitor.client.get(f"/ask/compare/events?{question}")
    assert answer.status_code == 404
    assert "ask it again" in answer.json()["error"]
    assert visitor.site.desk._tasks == {}


class Slow:
    """An encoder that waits to be let go before every photo."""

    def __init__(self, encoder):
        self.contract, self.revision, self.encoder = encoder.contract, encoder.revision, encoder
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, photos, layers=(-1,), framing="square"):
        self.reached.set()
        assert self.go.wait(20)
        return self.encoder(photos, layers, framing)


@pytest.fixture
def slow(visitor, monkeypatch):
    encoder = Slow(repscope.load("tiny-random"))
    load = repscope.load
    monkeypatch.setattr("repscope.web.desk.load", lambda name: encoder if name == "tiny-random" else load(name))
    yield encoder
    encoder.go.set()


def test_a_question_can_be_cancelled_and_asked_again(visitor, slow):
    question = visitor.question("one.png", "two.png")
    assert visitor.client.post(f"/ask/compare?{question}").json()["where"] in ("waiting", "loading", "looking")
    assert slow.reached.wait(20)
    other = visitor.question("three.png")
    visitor.client.post(f"/ask/compare?{other}")
    visitor.client.delete(f"/ask/compare?{other}")
    assert visitor.client.post(f"/ask/compare?{other}").json()["where"] == "waiting"  # asked again: a new task
    visitor.client.delete(f"/ask/compare?{question}")
    slow.go.set()
    task = next(task for task in visitor.site.desk._tasks.values() if len(task.question.photos) == 2)
    visitor.until(lambda: task.over)
    assert task.progress.where == "stopped"
    assert task.report is None
    assert visitor.client.get(f"/compare.json?{question}").status_code == 200
    assert issubclass(Stopped, BaseException)
    assert not issubclass(Stopped, Exception)


def test_two_browsers_wait_for_one_answer(visitor, slow):
    question = visitor.question("one.png")
    answers = []
    with TestClient(visitor.client.app, base_url=f"http://{HOST}") as second:
        threads = [
            threading.Thread(target=lambda client=client: answers.append(client.get(f"/compare.json?{question}")))
            for client in (visitor.client, second)
        ]
        for thread in threads:
            thread.start()
        assert slow.reached.wait(20)
        slow.go.set()
        for thread in threads:
            thread.join(30)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert visitor.site.desk.encoders["tiny-random"].forwards == 1


def test_one_of_two_who_wait_cannot_end_it_for_the_other(visitor, slow):
    question = visitor.question("one.png")
    answers = []
    visitor.client.post(f"/ask/compare?{question}")
    (task,) = visitor.site.desk._tasks.values()
    waiting = threading.Thread(target=lambda: answers.append(visitor.client.get(f"/compare.json?{question}")))
    waiting.start()
    visitor.until(lambda: task.waiting == 1)
    with visitor.site.desk.waiting(task):  # the second one
        assert visitor.client.delete(f"/ask/compare?{question}").json() == {"stopped": False}
        slow.go.set()
        waiting.join(30)
    assert answers[0].status_code == 200
    assert task.waiting == 0


def test_one_who_waits_alone_can(visitor, slow):
    question = visitor.question("one.png", "two.png")
    answers = []
    visitor.client.post(f"/ask/compare?{question}")
    (task,) = visitor.site.desk._tasks.values()
    waiting = threading.Thread(target=lambda: answers.append(visitor.client.get(f"/compare.json?{question}")))
    waiting.start()
    visitor.until(lambda: task.waiting == 1)
    assert slow.reached.wait(20)
    assert visitor.client.delete(f"/ask/compare?{question}").json() == {"stopped": True}
    slow.go.set()
    waiting.join(30)
    assert (answers[0].status_code, answers[0].json()["error"]) == (500, "The question was withdrawn.")


def test_a_bug_is_told_as_one(visitor, monkeypatch, capsys):
    def buggy(*given, **options):
        raise ZeroDivisionError("not a person's mistake")

    monkeypatch.setattr("repscope.analyses.compare.compare", buggy)
    answer = visitor.client.get(f"/compare.json?{visitor.question('one.png')}")
    assert (answer.status_code, answer.json()["error"][:18]) == (500, "A bug of repscope:")
    assert "ZeroDivisionError: not a person's mistake" in capsys.readouterr().err


def test_an_encoder_that_is_none_is_told_before_anything_is_served():
    for name, error in (("tiny-mea", UnknownName), ("tiny-mae@/nowhere", UnfitCheckpoint), ("./none", UnfitCheckpoint)):
        with pytest.raises(error):
            serve(None, [name], port=0)


def test_folders_are_not_listed_for_every_small_picture(visitor, monkeypatch):
    keys = [visitor.key(name) for name in ("one.png", "two.png", "three.png")]
    monkeypatch.setattr("repscope.web.library.sources", lambda paths: pytest.fail("listed"))
    assert [visitor.client.get(f"/photos/{key}.jpg").status_code for key in keys] == [200] * 3


def test_an_encoder_that_cannot_be_used_is_a_panel_with_its_reason(visitor, monkeypatch):
    load = repscope.load

    def broken(name):
        if name == "tiny-dino":
            raise repscope.encoders.load.__globals__["UnfitCheckpoint"]("its file is cut off.")
        return load(name)

    monkeypatch.setattr("repscope.web.desk.load", broken)
    said = visitor.client.get(f"/compare.json?{visitor.question('one.png', models='tiny-mae,tiny-dino,tiny-random')}")
    probe = next(block for block in said.json()["blocks"] if block["block"] == "probe")
    assert [panel["reason"] for panel in probe["panels"]] == ["", "", "its file is cut off."]
    alone = visitor.client.get(f"/inspect.json?{visitor.question('one.png', models='tiny-dino')}")
    assert (alone.status_code, alone.json()["error"]) == (400, "its file is cut off.")


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


def test_what_is_saved_is_what_was_shown(visitor):
    question, file = visitor.question("one.png"), visitor.folder / "photos" / "one.png"
    shown = visitor.client.get(f"/compare.json?{question}").json()
    file.write_bytes(png(7))
    folder = visitor.client.post(f"/reports/compare?{question}").json()["folder"]
    assert json.loads(Path(folder, "report.json").read_text(encoding="utf-8")) == shown


def test_who_goes_away_waits_no_more(visitor, slow):
    """The socket is closed by a client of its own: this one's asks until it is answered."""
    question = visitor.question("one.png")
    visitor.client.post(f"/ask/compare?{question}")
    (task,) = visitor.site.desk._tasks.values()
    asked = app(visitor.site, frozenset({HOST}))
    scope = {
        "type": "http", "method": "GET", "path": "/compare.html", "raw_path": b"/compare.html", "http_version": "1.1",
        "query_string": question.encode(), "scheme": "http", "server": ("127.0.0.1", 8760),
        "headers": [(b"host", HOST.encode())],
    }  # fmt: skip
    sent = []

    async def gone():
        return {"type": "http.disconnect"}

    async def told(message):
        sent.append(message)

    asyncio.run(asyncio.wait_for(asked(scope, gone, told), 20))
    assert task.waiting == 0
    assert not task.over


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


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("m=tiny-mae", 400, "compare wants 2 to 12 encoders; 1 are named"),
        ("m=tiny-mae,tiny-mea", 404, "Did you mean tiny-mae"),
        ("m=tiny-mae,tiny-random&frame=round", 400, "square or official"),
        ("m=tiny-mae,tiny-random&layer=x", 400, "whole number"),
        ("m=tiny-mae,tiny-random&layer=99", 400, "no layer 99"),
        ("m=tiny-mae,tiny-random&query=1", 400, "two fractions"),
        ("m=tiny-mae,tiny-random&query=7,7", 400, "two fractions"),
        ("m=tiny-mae,tiny-random&photo=../../secret.png", 404, "photo"),
        ("m=tiny-mae,/etc", 404, "encoder"),
        ("m=tiny-mae,tiny-mae", 400, "named twice"),
        ("m=tiny-mae,tiny-random&" + "&".join(f"query=.1,.{i}" for i in range(10, 30)), 400, "at most 12"),
        ("m=tiny-mae,tiny-random@/etc", 404, "encoder"),
        ("m=tiny-mae,tiny-random&evil=1", 400, "evil"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_in_words(visitor, query, status, says):
    answer = visitor.client.get(f"/compare.json?{query}")
    assert (answer.status_code, says in answer.json()["error"]) == (status, True), answer.text


def test_only_photos_of_the_folder_can_be_had(visitor):
    for path in (
        "/photos/..%2fsecret.png.jpg",
        "/photos/secret.jpg",
        "/photos/%2e%2e/secret.png",
        "/etc/passwd",
        "/x.json",
    ):
        assert visitor.client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/choices", "/compare.json?m=tiny-mae,tiny-random", "/reports"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example:8760"}, 421),
        ({"host": "127.0.0.1:9"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
    ],
)
def test_other_sites_and_other_names_are_refused(visitor, path, headers, status):
    assert visitor.client.get(path, headers=headers).status_code == status
    assert visitor.client.post("/photos", content=png(), headers=headers).status_code == status
    assert visitor.site.library.dropped == {}


def test_a_link_may_lead_to_the_front_page_only(visitor):
    follows = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert visitor.client.get("/", headers=follows).status_code == 200
    asks = visitor.client.get("/?photo=x&m=tiny-mae,tiny-random", headers=follows, follow_redirects=False)
    assert (asks.status_code, asks.headers["location"]) == (303, "/")
    assert visitor.client.get("/compare.html?m=tiny-mae,tiny-random", headers=follows).status_code == 403


def test_every_answer_says_what_it_may_do(visitor):
    for path in ("/", "/choices", "/nothing", "/compare.json?m=x"):
        headers = visitor.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_on_a_network_a_token_is_wanted(visitor):
    guarded = app(visitor.site, frozenset({HOST}), "the token")
    with TestClient(guarded, base_url=f"http://{HOST}", follow_redirects=False) as client:
        assert client.get("/choices").status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/choices?token=the token").status_code == 401
        known = client.get("/?token=the token")
        assert known.status_code == 303
        assert "httponly" in known.headers["set-cookie"].lower()
        assert "samesite=strict" in known.headers["set-cookie"].lower()
        assert client.get("/choices").status_code == 200
        (name,) = client.cookies
    other = app(visitor.site, frozenset({HOST}), "another token")
    with TestClient(other, base_url=f"http://{HOST}", follow_redirects=False) as client:
        client.get("/?token=another token")
        assert name not in client.cookies  # the same host may have two servers


def test_on_a_network_any_address_will_do_but_no_other_name(visitor):
    guarded = app(visitor.site, frozenset({HOST}), "the token")
    with TestClient(guarded, base_url=f"http://{HOST}") as client:
        for host, status in (("192.0.2.7:8760", 401), ("[fd00::2]:8760", 401), ("evil.example:8760", 421), ("", 421)):
            assert client.get("/choices", headers={"host": host}).status_code == status
    assert visitor.client.get("/choices", headers={"host": "192.0.2.7:8760"}).status_code == 421


def test_which_addresses_are_this_machine():
    assert [local(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0", "10.0.0.1", "::")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
    assert names("127.0.0.1", 8760) == {"127.0.0.1:8760", "localhost:8760", "[::1]:8760"}
    assert "10.0.0.1:5" in names("10.0.0.1", 5)
    assert "localhost" in names("localhost", 80)
    assert "127.9.9.9:5" in names("127.9.9.9", 5)
    assert "[::1]:5" in names("0:0:0:0:0:0:0:1", 5)
    with pytest.raises(WrongUsage, match="--host"):
        listening("", 0)


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
