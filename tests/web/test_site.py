"""The served page's addresses: what they answer."""

import pytest

import repscope
from repscope.cli.serve import serve
from repscope.errors import UnfitCheckpoint, UnknownName
from repscope.render.html import MODULES, fragment, html
from repscope.render.json import json as as_json


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
