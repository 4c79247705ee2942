"""drift: which checkpoints a place holds, and their order."""

import re

import pytest
from drifting import moving, touched
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.analyses._checkpoints import axis, listed
from repscope.errors import UnfitCheckpoint
from repscope.images.sources import natural


class TestOrder:
    @given(st.sets(st.integers(0, 10**12), min_size=2, max_size=8), st.randoms(), st.text("ab_-.", max_size=4))
    @settings(max_examples=60, deadline=None)
    def test_numbers_are_numbers_wherever_they_stand(self, steps, chance, word):
        names = [f"{word}{step}{word}" for step in steps]
        chance.shuffle(names)
        found = [each.label for each in listed([moving(name, 0) for name in names])]
        assert found == [f"{word}{step}{word}" for step in sorted(steps)]
        assert axis(found)[1] == tuple(float(step) for step in sorted(steps))

    @given(st.lists(st.text("ab01 9-", min_size=1, max_size=6), unique=True, min_size=1, max_size=6), st.randoms())
    @settings(max_examples=60, deadline=None)
    def test_what_differs_in_numbers_alone_is_sorted_and_kinds_stay_where_they_were_given(self, names, chance):
        encoders = [moving(name, 0) for name in names]
        found = [each.given.contract.name for each in listed(encoders)]
        kinds = [re.sub(r"\d+", "#", name) for name in names]
        assert [re.sub(r"\d+", "#", name) for name in found] == kinds
        for kind in kinds:
            steps = [name for name, each in zip(found, kinds, strict=True) if each == kind]
            assert steps == sorted(steps, key=natural)
        twice = listed([*encoders, *chance.sample(encoders, len(encoders))])
        assert [each.given.contract.name for each in twice] == found

    def test_names_without_numbers_stay_as_given(self):
        for names in (["before", "after"], ["tiny-random", "tiny-mae"]):
            assert [each.label for each in listed([moving(name, 0) for name in names])] == names

    @pytest.mark.parametrize(
        ("labels", "name", "places"),
        [
            (["epoch_3", "epoch_20"], "epoch", (3, 20)),
            (["b16-run/checkpoint-5", "b16-run/checkpoint-50"], "checkpoint", (5, 50)),
            (["2", "3", "11"], "number", (2, 3, 11)),
            (["epoch-1-step-5", "epoch-2-step-10"], "checkpoint", (1, 2)),
            (["step-1", "step-2-ema"], "checkpoint", (1, 2)),
            (["step-2", "step-02", "step-5"], "checkpoint", (1, 2, 3)),
            (["hash-" + "9" * 40, "hash-1"], "checkpoint", (1, 2)),
            (["a", "b"], "checkpoint", (1, 2)),
        ],
    )
    def test_the_axis_is_the_one_number_that_differs(self, labels, name, places):
        assert axis(labels) == (name, places)


class TestListing:
    def labels(self, *given) -> list[str]:
        return [each.label for each in listed(given)]

    def test_files_of_a_folder(self, tmp_path):
        touched(tmp_path, "step-10.safetensors", "step-2.safetensors", "state.pt", ".step-1.safetensors", "log.jsonl")
        assert self.labels(tmp_path) == ["step-2", "step-10"]

    def test_a_run_of_the_lab_is_its_steps(self, tmp_path):
        names = (
            "encoder.safetensors",
            "run.state",
            "log.jsonl",
            "steps/step-100.safetensors",
            "steps/step-20.safetensors",
        )
        touched(tmp_path, *names)
        assert self.labels(str(tmp_path)) == ["step-20", "step-100"]

    def test_folders_that_hold_an_encoder_each(self, tmp_path):
        touched(tmp_path, *(f"checkpoint-{n}/{f}" for n in (500, 60) for f in ("config.json", "model.safetensors")))
        touched(tmp_path, "logs/events", "note.txt")
        assert self.labels(tmp_path) == ["checkpoint-60", "checkpoint-500"]
        touched(tmp_path, "config.json", "model.safetensors")  # the end of the run, where trainers put it
        assert self.labels(tmp_path) == ["checkpoint-60", "checkpoint-500"]
        assert self.labels(tmp_path / "checkpoint-60") == ["checkpoint-60"]

    def test_onnx_files(self, tmp_path):
        touched(tmp_path, "epoch12.onnx", "epoch3.onnx", "epoch3.onnx.data", "preprocessor_config.json")
        assert self.labels(tmp_path) == ["epoch3", "epoch12"]

    def test_the_same_one_twice_is_once(self, tmp_path, monkeypatch):
        touched(tmp_path, "step-1.safetensors", "step-2.safetensors")
        (tmp_path / "last.safetensors").symlink_to("step-2.safetensors")
        monkeypatch.chdir(tmp_path)
        file = tmp_path / "step-1.safetensors"
        assert self.labels(tmp_path, file, "step-1.safetensors", "./step-2.safetensors") == ["step-1", "step-2"]
        assert self.labels(tmp_path / "last.safetensors", tmp_path) == ["step-1", "step-2"]
        assert self.labels("tiny-random", "tiny-random") == ["tiny-random"]

    def test_runs_side_by_side_are_told_apart(self, tmp_path):
        touched(tmp_path, "a/steps/step-1.safetensors", "b/steps/step-1.safetensors")
        assert self.labels(tmp_path / "b", tmp_path / "a") == ["b/steps/step-1", "a/steps/step-1"]

    def test_a_folder_without_any_says_what_is_wanted(self, tmp_path):
        with pytest.raises(UnfitCheckpoint, match=r"^[^']*holds no checkpoint: neither a \.safetensors or \.onnx"):
            listed([tmp_path])
