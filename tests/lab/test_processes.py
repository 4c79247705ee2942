"""Two processes under torchrun: the same losses and weights as one, up to rounding."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from killed_run import PLAN
from small_objectives import SMALL, made
from two_processes import AS_IT_COMES, course, resumed, rows_and_weights

from repscope.lab import checkpoint, processes

# Batch statistics of an untrained encoder divide by what is nearly nothing, and rounding with it.
LOOSE = {"barlow_twins", "byol", "lejepa", "simclr", "vicreg", "distill"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What two processes left."""
    folder, script = tmp_path_factory.mktemp("two"), Path(__file__).with_name("two_processes.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    path = os.pathsep.join([str(script.parent), *sys.path])
    alive = subprocess.Popen(
        [*command, str(folder)],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, told = alive.communicate(timeout=240)
    finally:
        if alive.poll() is None:  # one waits for the other: neither may outlive the test
            os.killpg(alive.pid, signal.SIGKILL)
    assert alive.returncode == 0, told[-3000:]
    return folder


@pytest.fixture(scope="module")
def both(folder) -> list[dict]:
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_there_are_two(both):
    assert [seen["count"] for seen in both] == [2, 2]


@pytest.mark.parametrize("name", SMALL)
class TestObjectives:
    @pytest.fixture
    def alone(self, name, tmp_path):
        return course(name, tmp_path)

    def test_they_lose_and_end_as_one(self, both, alone, name):
        one, other = (seen[name] for seen in both)
        assert one["losses"] == other["losses"]
        assert one["losses"] == pytest.approx(alone["losses"], rel=2e-3 if name in LOOSE else 2e-5)
        largest = max(float(g.abs().max()) for g in alone["gradients"].values())
        for part, wanted in alone["gradients"].items():
            torch.testing.assert_close(one["gradients"][part], wanted, rtol=2e-3, atol=1e-4 * largest, msg=part)
        for part, value in one["weights"].items():
            assert torch.equal(value, other["weights"][part]), part  # they never drift apart
            # AdamW's first steps are signs: where a gradient is nothing but rounding they may differ by twice the rate
            clear = alone["gradients"].get(part, value).abs() > 1e-3 * largest
            torch.testing.assert_close(
                value[clear], alone["weights"][part][clear], rtol=0, atol=PLAN.rate / 5, msg=part
            )


def test_as_it_comes_they_lose_and_end_as_one(both, tmp_path):
    """Muon and bfloat16: losses as one process has them, and weights that the two share bit for bit.

    In directions where a matrix's gradient is nothing but rounding, Muon steps as far as in any other: its matrices
    are not those of one process. All other weights are, to a twentieth of what training moved them by.
    """
    plan = replace(PLAN, **AS_IT_COMES)
    start, alone = made("mae", plan).state_dict(), course("mae", tmp_path, **AS_IT_COMES)
    one, other = (seen["as it comes"] for seen in both)
    assert one["losses"] == other["losses"]
    assert one["losses"] == pytest.approx(alone["losses"], rel=1e-3)
    for part, value in one["weights"].items():
        assert torch.equal(value, other["weights"][part]), part
        wanted = alone["weights"][part]
        if value.ndim < 2:
            assert (value - wanted).norm() < 0.05 * (wanted - start[part]).norm(), part


class TestGathered:
    def test_it_holds_the_rows_of_all_in_their_order(self, both):
        for seen in both:
            assert torch.equal(seen["by hand"]["every"], rows_and_weights()[0])

    def test_gradients_are_those_of_all_losses_together(self, both):
        rows, weights = rows_and_weights()
        x = rows.clone().requires_grad_()
        sum((x * w + x.square() * w).sum() for w in weights).backward()
        wanted = x.grad
        torch.testing.assert_close(wanted, weights.sum(0) * (1 + 2 * rows))  # by hand
        torch.testing.assert_close(torch.cat([seen["by hand"]["x"] for seen in both]), wanted)

    def test_a_gradient_that_others_hold_too_is_left_alone(self, both):
        for seen, own in zip(both, rows_and_weights()[1], strict=True):
            assert torch.equal(seen["by hand"]["beside"], 2 * own)

    def test_alone_it_is_what_it_was_given(self):
        x = torch.randn(3, 2)
        assert processes.gathered(x) is x


def test_gradients_and_numbers_are_averaged(both):
    for seen in both:
        assert seen["averages"]["gradient"].tolist() == [1.5, 15.0]
        assert seen["averages"]["still"] is None
        assert seen["averages"]["mean"] == 1.5


def test_a_batch_that_does_not_divide_is_refused(both):
    for seen in both:
        assert seen["odd"] == "A batch of 7 does not divide among 2 processes; choose a multiple of them."
    assert processes.share(7) == slice(0, 7)


def test_a_loss_that_is_no_number_in_one_process_ends_all(both):
    for seen in both:
        assert "The loss is nan at step 0" in seen["astray"]


def test_they_write_one_state_and_one_log_and_go_on_from_them(both, folder, tmp_path):
    alone = resumed(tmp_path)
    lines = [json.loads(line) for line in (folder / "resumed/log.jsonl").read_text().splitlines()]
    wanted = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [line["step"] for line in wanted] == [2, 4, 6, 8, 10]
    assert [line["loss"] for line in lines] == pytest.approx([line["loss"] for line in wanted], rel=1e-3)
    _, values = checkpoint.read_state(folder / "resumed/run.state")
    assert values["step"] == 10
    for name, value in alone.encoder.state_dict().items():
        torch.testing.assert_close(both[0]["resumed"][name], value, rtol=0, atol=PLAN.rate / 5)
        assert torch.equal(both[0]["resumed"][name], both[1]["resumed"][name])


def test_alone_there_is_one_process_and_nothing_to_wait_for(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    with processes.joined(torch.device("cpu")):
        assert (processes.count(), processes.rank(), processes.mean(2.5)) == (1, 0, 2.5)
        processes.wait()
