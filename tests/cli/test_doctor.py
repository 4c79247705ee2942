"""`repscope doctor`: a process of its own, offline; what it exits with."""

import json

import pytest

from repscope.analyses import _machine


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")


def test_a_machine_that_works(run):
    said = run("doctor")
    assert said.code == 0
    assert said.err == ""
    for words in (
        "Nothing that repscope needs is broken",
        "HF_HUB_OFFLINE is set",
        "precision auto on cpu",
        "Terminal",
    ):
        assert words in " ".join(said.out.split())
    assert "hf_secret" not in said.out


@pytest.mark.parametrize("medium", ["json", "html"])
def test_other_media(run, medium):
    said = run("doctor", "--format", medium)
    assert said.code == 0
    if medium == "json":
        tables = [block for block in json.loads(said.out)["blocks"] if block["block"] == "table"]
        assert [block["title"] for block in tables] == ["Machine", "Folders", "Hub", "Packages", "Terminal"]


def test_one_that_does_not_exits_with_1_and_says_what(run, monkeypatch):
    monkeypatch.setattr(_machine, "looked", lambda: _machine.broken("a first look", "no weights", "Install again."))
    said = run("doctor")
    assert said.code == 1
    assert "! Broken: a first look: no weights. Install again." in said.out
