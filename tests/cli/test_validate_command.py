"""`repscope validate`: exit code 0 only where nothing failed, and the report is printed either way."""

import json

import pytest

from repscope.encoders.families.lab import EMBEDDED

ASKED = ("--check", "files,layout")


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def damaged(tmp_path):
    (tmp_path / "tiny-mae.safetensors").write_bytes((EMBEDDED / "tiny-mae.safetensors").read_bytes()[:-1])
    return f"tiny-mae@{tmp_path}"


def test_what_passes_exits_with_nought(run):
    said = run("validate", "-m", "tiny-mae,tiny-random", *ASKED)
    assert said.code == 0, said.err
    assert "tiny-random: " in said.out
    assert "0 failed" in said.out


def test_what_fails_exits_with_one_and_prints_its_report(run, damaged):
    said = run("validate", "-m", "tiny-mae", "-m", damaged, *ASKED)
    assert said.code == 1
    assert "is cut short" in " ".join(said.out.split())
    assert "Traceback" not in said.err


def test_it_is_written_before_the_exit_code_is_given(run, damaged, tmp_path):
    said = run("validate", "-m", damaged, *ASKED, "-o", tmp_path / "out", "--format", "text,json,html,png")
    assert said.code == 1, said.err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["provenance"]["verdicts"][damaged]["failed"] >= 1
    assert "is cut short" in (tmp_path / "out" / "report.html").read_text()


def test_json_alone_is_json(run):
    said = run("validate", "-m", "tiny-mae", *ASKED, "--format", "json")
    assert json.loads(said.out)["provenance"]["analysis"] == "validate"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("-m", "tiny-mea"), "tiny-mae"),
        (("--check", "file"), "files"),
        (("--check", ","), "','"),
        (("-m", ""), "NAME,NAME"),
        (("-m", "tiny-mae", "--picture", "nowhere.png"), "nowhere.png"),
        (("-m", "tiny-mae", "--picture", str(EMBEDDED / "tiny-mae.md")), "image"),
    ],
)
def test_wrong_usage_is_no_verdict(run, words, named):
    said = run("validate", *words)
    assert said.code == 2, said.err
    assert named in said.err
    assert not said.out
