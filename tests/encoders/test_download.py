"""`repscope models --download`: what it says of weights, and what it exits with."""

import hashlib
import json
import sys
from dataclasses import replace

import pytest
from hub_server import COMMIT

from repscope import cli
from repscope.analyses import models
from repscope.encoders import available

WEIGHTS = hashlib.shake_256(b"some").digest(50_000)
FILES = {"config.json": b"{}", "model.safetensors": WEIGHTS}
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture
def _small(cache, monkeypatch):
    small = replace(available()["mae-vit-b16"], name="small", hub="someone/small", revision=COMMIT, sha256=DIGEST)
    names = {
        **available(),
        "small": small,
        "unpinned": replace(small, name="unpinned", revision="", sha256=""),
        "gone": replace(small, name="gone", hub="someone/gone"),
    }
    monkeypatch.setattr(models, "available", lambda: names)


pytestmark = pytest.mark.usefixtures("_small")


@pytest.fixture
def said(monkeypatch, capsysbinary):
    """The command's exit code, what it printed, and its errors."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["repscope", "models", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    return call


def rows(document: str, table: int = 0) -> dict[str, str]:
    return dict(json.loads(document)["blocks"][table]["rows"])


def test_it_is_fetched_then_found_then_mended(cache, served, said):
    served(FILES)
    code, out, _ = said("--download", "small", "--format", "json")
    folder = cache / "models--someone--small" / "snapshots" / COMMIT
    assert code == 0
    assert json.loads(out)["blocks"][0]["rows"] == [
        ["state", "fetched now"],
        ["folder", str(folder)],
        ["revision", COMMIT],
        ["model.safetensors", "50,000 bytes"],
        ["SHA-256", DIGEST],
        ["verified", "it is the pinned one"],
        ["config.json", "2 bytes"],
        ["SHA-256", hashlib.sha256(b"{}").hexdigest()],
        ["verified", "it is what the hub gave; no pin"],
    ]
    assert rows(said("small", "--download", "--format", "json")[1])["state"] == "it was here, whole"
    (folder / "model.safetensors").write_bytes(b"\0" * 50_000)
    state = rows(said("--download", "small", "--format", "json")[1])["state"]
    assert state == "fetched again now: damaged was model.safetensors"
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def test_several_of_which_one_is_not_to_be_had(served, said):
    served(FILES)
    code, out, err = said("--download", "unpinned,gone", "tiny-mae", "--format", "json")
    assert code == 1
    assert err == ""
    assert rows(out)["revision"] == f"{COMMIT}, not pinned"
    assert rows(out, 1)["state"] == "comes with repscope"
    ((name, reason),) = json.loads(out)["skipped"]
    assert name == "gone"
    assert "someone/gone is not there, or private" in reason


def test_one_that_is_not_to_be_had_is_an_error_in_a_line(said):
    code, out, err = said("--download", "small")
    assert (code, out) == (1, "")
    assert err.startswith("repscope: The weights of small could not be fetched: http://127.0.0.1:1/someone/small does")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--download"], "--download wants the names of encoders"),
        (["small", "gone"], "models shows one encoder; got small, gone. With --download it takes several."),
        (["--download", "small", "smoll"], "No encoder is called 'smoll'. Did you mean small"),
    ],
)
def test_wrong_usage(served, said, arguments, says):
    started = served(FILES)
    code, _, err = said(*arguments)
    assert code == 2
    assert says in err
    assert started.asked == []
