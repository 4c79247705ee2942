"""`repscope bench`: quick rounds of a small encoder, and mistakes in words."""

import json

import pytest

from repscope.analyses import _timing, bench


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(_timing, "SIDE", 64)
    monkeypatch.setattr(bench, "SIDE", 64)
    monkeypatch.setattr(bench, "FRESH", 1)


def test_a_report_that_can_be_compared_over_time(run, tmp_path):
    said = run(
        "bench", "-m", "tiny-mae", "--batches", "1", "--rounds", "1", "-o", tmp_path / "speed", "--format", "json"
    )
    assert said.code == 0, said.err
    report = json.loads((tmp_path / "speed" / "report.json").read_text())
    assert report["provenance"]["machine"]["threads"] >= 1
    assert report["provenance"]["options"]["rounds"] == 1
    assert "share of the product" in said.out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--batches", "1,many"), "--batches wants whole numbers"),
        (("--batches", "0"), "whole numbers of 1 or more"),
        (("--rounds", "0"), "--rounds"),
        (("-m", "tiny-nothing", "--random"), "No encoder is called"),
    ],
)
def test_mistakes_are_told(run, options, word):
    said = run("bench", *options)
    assert said.code == 2
    assert word in " ".join(said.err.split())
    assert "Traceback" not in said.err
