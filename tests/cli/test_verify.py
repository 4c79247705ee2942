"""`repscope verify`: a saved report is made again, what differs is told, and a stranger's report only asks."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from repscope import cli
from repscope.cli._recipe import QUESTIONS, WRITTEN, recipe_of
from repscope.errors import RepscopeError, UnfitData, WrongUsage
from repscope.render import _open

Change = Callable[[dict], object]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def here(run, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that are run again, which run in this process: the same, without the seconds that a start takes."""
    ran: list[list[str]] = []

    def started(words: list[str], **options) -> SimpleNamespace:
        ran.append(words)
        said = run(*words[words.index("repscope") + 1 :])
        return SimpleNamespace(returncode=said.code, stdout=said.out.encode(), stderr=said.err.encode())

    monkeypatch.setattr(subprocess, "run", started)
    return ran


@pytest.fixture
def inspected(run, photo: Path, tmp_path: Path, lab_encoder) -> Path:
    """A saved report of a small encoder."""
    weights = lab_encoder("mine.safetensors", lambda w: w + 0.05)
    said = run("inspect", photo, "-m", weights, "--format", "json", "-o", tmp_path / "saved")
    assert said.code == 0, said.err
    return tmp_path / "saved"


def changed(saved: Path, change: Change) -> Path:
    file = saved / "report.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))
    return saved


def commanded(command: object) -> Change:
    return lambda document: document["provenance"].update(command=command)


def first_number(document: dict) -> dict:
    readings = next(block for block in document["blocks"] if block.get("title") == "Readings of the patches")
    return readings["rows"][0][1]


def test_an_unchanged_comparison_with_its_stability_is_the_same(run, here, photo, lab_encoder, tmp_path: Path):
    saved, weights = tmp_path / "saved", [lab_encoder(f"{k}.safetensors", lambda w, k=k: w + k / 20) for k in (1, 2)]
    first = run("compare", photo, "-m", weights[0], "-m", weights[1], "--stability", "-o", saved, "--format", "json")
    assert first.code == 0, first.err
    titles = [block.get("title") for block in json.loads((saved / "report.json").read_text())["blocks"]]
    assert {"Stability", "Choices that should not matter"} <= set(titles)
    said = run("verify", saved, "-o", tmp_path / "verified", "--format", "json")
    assert said.code == 0, said.out + said.err
    assert "Nothing differs beyond rounding" in said.out
    assert "--stability" in said.err
    told = json.loads((tmp_path / "verified" / "report.json").read_text())["provenance"]
    assert told["beyond rounding"] == 0
    assert told["command"].startswith("repscope verify ")


def test_an_unchanged_inspection_is_the_same(run, here, inspected: Path):
    said = run("verify", inspected / "report.json")
    assert said.code == 0, said.out + said.err
    assert "inputs are the same" in said.out
    assert "-P" in here[0]


def test_a_question_about_a_set_is_the_same(run, here, photos, tmp_path: Path):
    run("profile", photos[0].parent, "-m", "tiny-random", "-o", tmp_path / "saved", "--format", "json,html", "--force")
    said = run("verify", tmp_path / "saved")
    assert said.code == 0, said.out + said.err
    assert not any("force" in word or "html" in word for word in here[0])


def test_another_batch_is_told_and_is_rounding(run, here, photos, tmp_path: Path, lab_encoder):
    weights = lab_encoder("mine.safetensors", lambda w: w + 0.05)
    run("inspect", *photos, "-m", weights, "-o", tmp_path / "saved", "--format", "json")
    document = json.loads((tmp_path / "saved" / "report.json").read_text())
    again = document["provenance"]["command"] + " --batch 2"
    said = run("verify", changed(tmp_path / "saved", commanded(again)))
    assert said.code == 0, said.out
    assert "option batch" in said.out


def test_a_changed_photo_is_told_first_and_its_numbers_after(run, here, draw, inspected: Path, photo: Path):
    draw(photo, seed=5)
    said = run("verify", inspected, "--format", "json")
    assert said.code == 1
    assert said.out.index("photo photo.png") < said.out.index("Readings of the patches, Effective rank, ")


def test_a_photo_that_is_gone_is_told(run, here, inspected: Path, photo: Path):
    photo.unlink()
    said = run("verify", inspected)
    assert said.code == 1
    assert "cannot be made again" in said.err
    assert "photo.png" in said.err


def test_changed_weights_are_told(run, here, inspected: Path, lab_encoder):
    lab_encoder("mine.safetensors", lambda w: w.sin() + 0.1)
    said = run("verify", inspected)
    assert said.code == 1
    assert "weights of " in " ".join(said.out.split())


@pytest.mark.parametrize(
    "tampering",
    [
        lambda number: number.update(value=number["value"] * 1.001),
        lambda number: number.update(value=None),
        lambda number: number.update(n=number["n"] + 1),
        lambda number: number.update(ci=[0.0, 1.0]),
        lambda number: number.update(definition="better than all others"),
    ],
)
def test_a_tampered_number_is_told(run, here, inspected: Path, tampering):
    changed(inspected, lambda document: tampering(first_number(document)))
    said = run("verify", inspected, "--format", "json")
    assert said.code == 1
    (differ,) = (block for block in json.loads(said.out)["blocks"] if block.get("title") == "Numbers that differ")
    ((where, _, then, now),) = differ["rows"]
    assert where.startswith("Readings of the patches, Effective rank, ")
    assert then != now


def test_a_tampered_finding_is_told(run, here, inspected: Path):
    def better(document: dict) -> None:
        note = next(block for block in document["blocks"] if block.get("kind") == "finding")
        note["text"] = "This is the best of all encoders."

    said = run("verify", changed(inspected, better))
    assert said.code == 1
    assert "This is the best" in said.out


def test_two_saved_reports_are_held_against_each_other_and_nothing_is_run(run, here, inspected: Path):
    assert run("verify", inspected, "--against", inspected).code == 0
    assert not here


def test_it_is_run_where_one_says(run, photo: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("inspect", photo.name, "-m", "tiny-random", "-o", "saved", "--format", "json")
    (tmp_path / "elsewhere").mkdir()
    photo.rename(tmp_path / "elsewhere" / photo.name)
    (tmp_path / "elsewhere" / "torch.py").write_text("raise SystemExit('this file was taken for a module')")
    assert run("verify", "saved", "--at", "elsewhere").code == 0
    said = run("verify", "saved", "--at", "nowhere")
    assert said.code == 1
    assert "nowhere" in said.err


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("repscope embed /data -o /etc", "no question"),
        ("repscope serve /", "no question"),
        ("repscope pretrain tiny-imagenet --out /etc", "no question"),
        ("repscope verify /tmp", "no question"),
        ("rm -rf /", "no question"),
        ("rm inspect a.png", "no question"),
        ("repscope", "no question"),
        ("python -m repscope inspect", "no question"),
        ("repscope inspect 'unclosed", "cannot be read"),
        ("repscope inspect a.png --exec id", "cannot be read"),
        ("repscope inspect a.png --help", "belong nowhere"),
        ("repscope profile a b", "cannot be read|belong nowhere"),
        ("repscope models --download dinov2-vit-s14", "no question"),
        ("repscope profile s3://bucket/x", "stranger"),
        ("repscope duplicates here --against=https://x/y", "stranger"),
        ("", "no command"),
        (None, "no command"),
        (["repscope", "inspect"], "no text"),
        ("repscope bench -m tiny-mae", "measures time"),
    ],
)
def test_a_tampered_command_is_refused_in_words(command, reason):
    with pytest.raises(WrongUsage, match=reason):
        recipe_of(command)


def test_a_refused_command_runs_nothing(run, here, inspected: Path):
    said = run("verify", changed(inspected, commanded("repscope embed . -o /etc")))
    assert said.code == 2
    assert not here


@pytest.mark.parametrize("output", ["-o /etc", "--output=/etc", "-o/etc", "--force", "--format png", "--format=html"])
def test_where_an_answer_went_is_left_out(output):
    assert recipe_of(f"repscope inspect a.png {output} -m tiny-mae").words == (
        *("inspect", "--models=tiny-mae", "--", "a.png"),
    )


def test_what_writes_beside_an_answer_is_left_out():
    words = recipe_of("repscope map set --atlas /etc/passwd --tensorboard /etc --k 3").words
    assert words == ("map", "--k=3", "--", "set")


def test_no_word_becomes_an_option_or_reaches_a_shell():
    words = recipe_of("repscope inspect -m '-o' -- -o '/etc;id' '$(id)' '`id`' '| sh'").words
    assert words == ("inspect", "--models=-o", "--", "-o", "/etc;id", "$(id)", "`id`", "| sh")


def test_flags_and_repeated_options_stay_as_they_were():
    words = recipe_of("repscope duplicates set --raw -m a -m b,c").words
    assert words == ("duplicates", "--models=a", "--models=b,c", "--raw", "--", "set")
    words = recipe_of("repscope compare a.png --query 0.1,0.2 --query 0.3,0.4 --strict --layer -1 --stability").words
    assert set(words[1:-2]) == {"--query=0.1,0.2", "--query=0.3,0.4", "--strict", "--layer=-1", "--stability"}


def test_of_every_question_every_option_has_been_decided_on():
    commands = typer.main.get_command(cli.app).commands  # type: ignore[attr-defined]
    for name, allowed in QUESTIONS.items():
        for each in commands[name].params:
            assert (each.name in allowed) != (each.name in WRITTEN), f"{name}: {each.name}"


HOSTILE = {
    "garbage": b"\x89PNG\xff\xfe\x00",
    "empty": b"",
    "a list": b"[]",
    "another schema": b'{"schema": "repscope.report/9"}',
    "no blocks": b'{"schema": "repscope.report/1", "title": "x"}',
    "deep": b'{"schema": "repscope.report/1", "title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep provenance": b'{"schema":"repscope.report/1","title":"x","blocks":[],"provenance":{"command":'
    + b"[" * 900
    + b"]" * 900
    + b"}}",
    "a long number": b'{"schema": "repscope.report/1", "title": ' + b"9" * 10_000 + b"}",
    "provenance of another kind": b'{"schema":"repscope.report/1","title":"x","blocks":[],"provenance":[1]}',
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_damaged_report_is_refused_in_words(run, here, tmp_path: Path, content: bytes):
    (tmp_path / "report.json").write_bytes(content)
    said = run("verify", tmp_path)
    assert said.code in (1, 2)
    assert said.err.startswith("repscope: ")
    assert not here


def test_what_is_no_file_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", tmp_path / "nothing", Path("/dev/zero"), tmp_path / ("x" * 500)):
        with pytest.raises(UnfitData):
            _open.saved(place)
    monkeypatch.setattr(_open, "LARGEST", 10)
    (tmp_path / "report.json").write_bytes(b" " * 11)
    with pytest.raises(UnfitData, match="11 bytes"):
        _open.saved(tmp_path)


def test_a_word_that_no_command_line_holds_is_told(run, inspected: Path):
    said = run("verify", changed(inspected, commanded("repscope inspect 'a\0b' '\x1b[2J'")))
    assert said.code == 1
    assert "\x1b" not in said.err + said.out


def test_a_report_made_in_python_says_so(run, tmp_path: Path):
    import numpy as np

    import repscope

    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    repscope.inspect([pixels], repscope.load("tiny-random")).save(tmp_path / "saved", ("json",))
    said = run("verify", tmp_path / "saved")
    assert said.code == 2
    assert "made in Python" in said.err
    assert "--against" in said.err
    assert issubclass(WrongUsage, RepscopeError)


def test_a_strangers_report_fetches_nothing(run, inspected: Path, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    said = run("verify", changed(inspected, commanded("repscope inspect -m dinov2-vit-g14")))
    assert said.code == 1
    assert "HF_HUB_OFFLINE" in said.err
