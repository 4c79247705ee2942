"""Resuming: a run that was stopped goes on to the bit, and only one that is the same run."""

from dataclasses import replace

import pytest
import torch
from small_objectives import SMALL
from small_training import log, run, weights

from repscope.errors import UnfitCheckpoint, WrongUsage
from repscope.lab import checkpoint
from repscope.lab import log as log_of
from repscope.lab.data import TrainingSet


class Killed(BaseException):
    """What ends a process in the middle."""


def killed_at(step):
    def say(line):
        if line["step"] == step:
            raise Killed

    return say


class TestResuming:
    @pytest.mark.parametrize("name", SMALL)
    def test_a_stopped_run_ends_with_the_bits_of_one_that_was_not(self, plan, stripes, tmp_path, name):
        if name in ("mae", "dino"):
            plan = replace(plan, precision="bfloat16")
        whole = run(name, plan, stripes, tmp_path / "whole", every=3)
        with pytest.raises(Killed):
            run(name, plan, stripes, tmp_path / "cut", every=3, say=killed_at(3))
        assert checkpoint.read_state(tmp_path / "cut/run.state")[1]["step"] == 3
        resumed = run(name, plan, stripes, tmp_path / "cut", every=3, resume=True)
        assert resumed.steps == whole.steps == 8
        cut = weights(tmp_path / "cut")
        for key, value in weights(tmp_path / "whole").items():
            assert torch.equal(value, cut[key]), key
        for key, value in whole.encoder.state_dict().items():
            assert torch.equal(value, resumed.encoder.state_dict()[key]), key
        one, other = log(tmp_path / "whole"), log(tmp_path / "cut")
        assert [(line["step"], line["loss"]) for line in one] == [(line["step"], line["loss"]) for line in other]

    def test_a_finished_run_is_given_back_without_a_step(self, plan, stripes, tmp_path):
        first = run("ijepa", plan, stripes, tmp_path)
        before, said = (tmp_path / "run.state").read_bytes(), []
        again = run("ijepa", plan, stripes, tmp_path, resume=True, say=said.append)
        assert again.steps == first.steps
        assert (tmp_path / "run.state").read_bytes() == before
        assert said == []
        for key, value in first.encoder.state_dict().items():
            assert torch.equal(value, again.encoder.state_dict()[key]), key

    def test_there_is_nothing_to_resume_in_an_empty_folder(self, plan, stripes, tmp_path):
        assert run("mae", plan, stripes, tmp_path, resume=True).steps == 8

    def test_the_dial_may_be_turned_and_the_log_knows(self, plan, stripes, tmp_path):
        with pytest.raises(Killed):
            run("mae", replace(plan, epochs=5), stripes, tmp_path, every=2, say=killed_at(4))
        assert log_of.dial(tmp_path, 4) == [5]
        trained = run("mae", replace(plan, epochs=1.5), stripes, tmp_path, every=2, resume=True)
        assert (trained.steps, trained.epochs) == (6, 1.5)
        with (tmp_path / "log.jsonl").open("a") as file:
            file.write('{"step": 8, "o')
        assert log_of.dial(tmp_path, 4) == [5, 1.5]
        # turned back below what was done: what was done counts
        assert run("mae", replace(plan, epochs=1), stripes, tmp_path, resume=True).steps == 6

    def test_the_log_goes_on_where_the_state_stands(self, plan, stripes, tmp_path):
        """What was logged after the last state is done again, and a line that was cut off is gone."""
        whole, folder = tmp_path / "whole", tmp_path / "cut"
        watch = lambda encoder, step: {"said": step}  # noqa: E731
        run("mae", plan, stripes, whole, every=3, watch=watch)
        with pytest.raises(Killed):
            run("mae", plan, stripes, folder, every=3, watch=watch, say=killed_at(5))
        with (folder / "log.jsonl").open("a") as file:
            file.write('{"step": 6, "of": 8, "lo')
        run("mae", plan, stripes, folder, every=3, watch=watch, resume=True)
        for line, wanted in zip(log(folder), log(whole), strict=True):
            assert line | {"images_per_second": 0} == wanted | {"images_per_second": 0}

    def test_a_run_is_not_begun_over_another(self, plan, stripes, tmp_path):
        run("mae", plan, stripes, tmp_path)
        with pytest.raises(WrongUsage, match="holds a run already: add --resume"):
            run("mae", plan, stripes, tmp_path)

    def test_a_log_of_a_run_that_is_gone_does_not_speak_for_the_next(self, plan, stripes, tmp_path):
        run("mae", replace(plan, epochs=1), stripes, tmp_path)
        (tmp_path / "run.state").unlink()
        run("mae", plan, stripes, tmp_path)
        assert log_of.dial(tmp_path, 4) == [2]


class TestAnotherRun:
    @pytest.fixture
    def folder(self, plan, stripes, tmp_path):
        run("mae", replace(plan, epochs=0.25), stripes, tmp_path)
        return tmp_path

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"rate": 1e-4}, "its rate is 0.002, here it is 0.0001"),
            ({"seed": 3}, "its seed is 0, here it is 3"),
            ({"optimiser": "adamw"}, "its optimiser is muon, here it is adamw"),
            ({"crop": (0.5, 1.0)}, "its crop is [0.3, 1.0], here it is [0.5, 1.0]"),
            ({"rate": 1e-4, "batch": 8}, "its batch is 16, here it is 8; its rate is 0.002, here it is 0.0001"),
            ({"options": {"mae": {"hidden": 0.5}}}, "its options.mae.hidden is not set, here it is 0.5"),
        ],
    )
    def test_of_another_recipe_is_refused_with_what_differs(self, plan, stripes, folder, change, told):
        with pytest.raises(WrongUsage) as error:
            run("mae", replace(plan, **change), stripes, folder, resume=True)
        assert f"is of another run: {told}. Go on with what it was begun with, or choose another" in str(error.value)

    def test_of_another_objective_is_refused(self, plan, stripes, folder):
        with pytest.raises(WrongUsage, match="its objective is mae, here it is ijepa"):
            run("ijepa", plan, stripes, folder, resume=True)

    def test_of_another_precision_is_refused(self, plan, stripes, folder):
        with pytest.raises(WrongUsage, match="its precision is float32, here it is bfloat16"):
            run("mae", replace(plan, precision="bfloat16"), stripes, folder, resume=True)

    def test_on_other_images_or_labels_is_refused(self, plan, stripes, folder):
        pixels = stripes.pixels.clone()
        pixels[3, 0, 0, 0] += 1
        for other, told in (
            (TrainingSet(pixels, stripes.labels), "it was begun on other images or labels"),
            (TrainingSet(stripes.pixels, stripes.labels.roll(1)), "it was begun on other images or labels"),
            (TrainingSet(stripes.pixels[:48], stripes.labels[:48]), "it was begun on 64 images, here are 48"),
        ):
            with pytest.raises(WrongUsage, match=rf"is of another run: {told}\. Go on with"):
                run("mae", plan, other, folder, resume=True)

    def test_one_with_more_in_its_recipe_is_refused(self, plan, stripes, folder):
        tensors, values = checkpoint.read_state(folder / "run.state")
        values["recipe"]["moonlight"] = 3
        checkpoint.write_state(folder / "run.state", tensors, values)
        with pytest.raises(WrongUsage, match="its moonlight is 3, here it is not set"):
            run("mae", plan, stripes, folder, resume=True)

    def test_the_dials_may_change(self, plan, stripes, folder):
        assert run("mae", replace(plan, epochs=1, snapshots=1), stripes, folder, resume=True).steps == 4

    def test_one_that_lacks_or_adds_weights_is_no_state(self, plan, stripes, folder):
        tensors, values = checkpoint.read_state(folder / "run.state")
        less = {name: value for name, value in tensors.items() if name != "objective.encoder.patch.weight"}
        for wrong in (
            less,
            tensors | {"objective.moon": torch.ones(1)},
            tensors | {"elsewhere.moon": torch.ones(1)},
            tensors | {"optimiser.9.0.step": torch.ones(())},
            tensors | {"optimiser.moon": torch.ones(())},
            tensors | {"objective.encoder.patch.weight": torch.ones(2)},
        ):
            checkpoint.write_state(folder / "run.state", wrong, values)
            with pytest.raises(
                UnfitCheckpoint, match=r"cannot be read as the state of a run: .*Remove it to begin anew"
            ):
                run("mae", plan, stripes, folder, resume=True)
