"""Timing: what is counted is right, what is timed is what is said, and what cannot be measured says why."""

import json

import pytest
import torch

import repscope
from repscope.analyses import _timing, bench
from repscope.analyses._drawn import drawn
from repscope.analyses._fresh import fresh
from repscope.analyses._timing import busy, number
from repscope.encoders import available, load
from repscope.errors import UnfitCheckpoint, UnknownName, Unsupported, WrongUsage
from repscope.report import Note, Table


def test_a_number_is_a_median_between_the_least_and_the_most():
    said = number("x", [3.0, 1.0, 2.0], "s", "d")
    assert (said.value, said.ci, said.n, said.of) == (2.0, (1.0, 3.0), 3, "rounds")
    assert number("x", [1.0], "s", "d").ci is None
    assert number("x", [], "s", "d", why="no reason").reason == "no reason"


def test_a_machine_that_wavers_is_told():
    assert busy([0.10, 0.12, 0.11]) == busy([0.1]) == ""
    assert "not quiet" in busy([0.10, 0.14]) or "something else" in busy([0.10, 0.14])


def test_shares_are_of_the_product_of_the_same_round(monkeypatch):
    """A clock that ticks a second for each look, and the product takes as long as one: the share is their ratio."""
    measured = bench.Measured(load("tiny-mae"), looked={2: [1.0, 4.0]}, products=[1.0, 2.0])
    contract = measured.encoder.contract
    work = 2 * contract.architecture.multiply_adds(contract.patches) / _timing.SIDE**3
    assert measured.share(2).ci == (0.5 * work, work)
    assert measured.images(2).ci == (0.5, 2.0)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(_timing, "SIDE", 64)
    monkeypatch.setattr(bench, "SIDE", 64)
    monkeypatch.setattr(bench, "FRESH", 1)


@pytest.mark.usefixtures("quick")
def test_everything_is_measured_and_stands_in_the_report(monkeypatch):
    told = []
    report = repscope.bench(["tiny-mae"], batches=(2, 1), rounds=2, progress=lambda *at: told.append(at))
    assert told == [(1, 2), (2, 2)]
    tables = {block.title: block for block in report.blocks if isinstance(block, Table)}
    speed = tables["Speed"]
    assert [row[:3] for row in speed.rows] == [("tiny-mae", "float32", "1"), ("tiny-mae", "float32", "2")]
    numbers = [each for table in tables.values() for row in table.rows for each in row if not isinstance(each, str)]
    assert all(each.value is not None and each.value > 0 for each in numbers)
    first, peak = tables["A new process"].rows[0][1:3]
    assert first.value > 0.3  # torch alone takes longer to import
    assert 0.1 < peak.value < 3
    assert report.provenance["encoders"][0]["revision"].startswith("repscope")
    assert report.provenance["options"] == {"batches": [2, 1], "rounds": 2, "precision": "auto", "random": False}
    json.dumps(report.provenance)


@pytest.mark.usefixtures("quick")
def test_a_published_shape_with_random_weights(monkeypatch):
    monkeypatch.setattr(bench, "fresh", lambda *_: pytest.fail("nothing is loaded"))
    report = repscope.bench(["eupe-vit-t16"], batches=(1,), rounds=1, random=True, precision="bfloat16")
    cells = [cell for block in report.blocks if isinstance(block, Table) for row in block.rows for cell in row]
    assert "bfloat16" in cells
    missing = [cell for cell in cells if not isinstance(cell, str) and cell.value is None]
    assert [cell.reason for cell in missing] == ["weights drawn at random are not loaded"] * 2
    assert not [block for block in report.blocks if isinstance(block, Note) and "fastest in batches" in block.text]


def test_what_is_drawn_is_of_the_published_shape_and_the_same_each_time():
    contract = available()["dinov3-vit-s16"]
    one, other = (drawn("dinov3-vit-s16", "float32") for _ in range(2))
    assert one.contract == contract
    state, again = one.network.state_dict(), other.network.state_dict()
    assert sum(value.numel() for value in state.values()) == contract.parameters - 2 * 12 * 384  # scales are in layers
    assert all(torch.equal(value, again[name]) for name, value in state.items())


def test_mistakes_are_told_before_anything_is_measured():
    for wrong in ({"encoders": []}, {"batches": ()}, {"batches": (0,)}, {"rounds": 0}):
        with pytest.raises(WrongUsage, match="bench wants"):
            repscope.bench(**{"encoders": ["tiny-mae"], **wrong})
    with pytest.raises(UnknownName, match="tiny-dino"):
        repscope.bench(["tiny-din"], random=True)
    with pytest.raises(UnfitCheckpoint):
        repscope.bench(["no/such/folder"])


def test_a_process_that_fails_says_why():
    with pytest.raises(Unsupported, match="first tokens: There is no file or folder"):
        fresh("no/such/folder", "float32")


def test_a_process_that_says_much_on_standard_error_ends(monkeypatch, tmp_path):
    """More than a pipe holds; and a file of the folder it runs in is taken for no module."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secrets.py").write_text("raise SystemExit('ran a file of this folder')")
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    assert fresh("tiny-random", "float32").first > 0


def test_a_winner_is_named_where_ranges_do_not_touch():
    from types import SimpleNamespace

    def best(*seconds):
        made = bench.Measured.__new__(bench.Measured)
        contract = SimpleNamespace(contract=SimpleNamespace(name="e"))
        vars_ = {"encoder": contract, "looked": dict(zip((1, 4), seconds, strict=True))}
        for name, value in vars_.items():
            object.__setattr__(made, name, value)
        return bench._best(made)

    assert "fastest in batches of 4" in best([1.0, 1.1], [2.0, 2.1])
    assert "as fast in batches of 1 and 4" in best([1.0, 1.1], [3.9, 4.5])
