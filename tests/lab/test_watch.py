"""The monitor of a run: its log lines, the encoder it began with, and its state beside the run's."""

import json

import pytest
import torch
from rights import closed
from small_scenes import scenes

from repscope import metrics
from repscope.encoders.vit import ViT
from repscope.errors import UnfitCheckpoint, WrongUsage
from repscope.lab import knn
from repscope.lab.build import build, initialise, setting_of
from repscope.lab.data import TrainingSet
from repscope.lab.objectives import catalogue
from repscope.lab.train import train
from repscope.lab.watch import STATE, crops, watcher

HELD = scenes(24, seed=4)
KEYS = {
    *("effective_rank", "rankme", "rankme_centred", "isotropy", "deviation", "uniformity", "sigreg"),
    *("alignment", "lidar", "view_ratio", "knn_accuracy", "knn_low", "knn_high"),
}


@pytest.fixture
def untrained(recipe) -> ViT:
    encoder = ViT(recipe.architecture)
    initialise(encoder, torch.Generator().manual_seed(recipe.seed))
    return encoder


def test_a_line_is_flat_and_its_numbers_are_those_of_the_encoder(recipe, untrained, tmp_path):
    watch = watcher(recipe, HELD, tmp_path, every=5)
    assert watch is not None
    line = watch(untrained.train(), 5)
    assert line is not None
    assert set(line) == KEYS
    assert json.loads(json.dumps(line)) == line
    rows = knn.embedded(untrained, HELD).double().numpy()
    assert line["effective_rank"] == pytest.approx(metrics.effective_rank(rows), rel=1e-4)


def test_the_run_is_judged_against_its_untrained_encoder(recipe, untrained, tmp_path):
    watch = watcher(recipe, HELD, tmp_path, every=2)
    assert watch is not None
    lines = [watch(untrained, step) for step in range(1, 6)]
    assert [bool(line) for line in lines] == [False, True, False, True, False]
    first, second, _ = watch.monitor.history
    assert first.step == 0
    assert first.numbers() == second.numbers()


def test_the_objective_begins_with_that_encoder(recipe, untrained, stripes):
    for name in ("mae", "byol"):
        objective = build(catalogue[name], recipe, setting_of(recipe, len(stripes), 4))
        for key, value in objective.result.state_dict().items():
            assert torch.equal(value, untrained.state_dict()[key])


def test_crops_are_the_same_in_every_run(recipe):
    one = crops(HELD, recipe)
    assert one.shape == (24, 4, 3, 16, 16)
    assert torch.equal(one, crops(HELD, recipe))
    assert not torch.equal(one[:, 0], one[:, 1])


def test_a_resumed_run_keeps_its_first_readings_and_sees_again_what_came_after_its_checkpoint(
    recipe, untrained, tmp_path
):
    watch = watcher(recipe, HELD, tmp_path, every=2)
    assert watch is not None
    for step in range(1, 8):
        watch(untrained, step)
    again = watcher(recipe, HELD, tmp_path, every=2)
    assert again is not None
    assert [step for step in range(4, 9) if again(untrained, step)] == [4, 6, 8]  # the checkpoint was of step 3
    assert [each.step for each in again.monitor.history] == [0, 2, 4, 6, 8]
    other = watcher(recipe, scenes(24, seed=5), tmp_path, every=2)
    assert other is not None
    with pytest.raises(WrongUsage, match=rf"{STATE}: .*other held-out images.*remove that file"):
        other(untrained, 9)


def test_a_new_run_does_not_go_on_from_what_lies_there(recipe, untrained, tmp_path):
    (tmp_path / STATE).write_text("{}")
    watch = watcher(recipe, HELD, tmp_path, every=1)
    assert watch is not None
    assert watch(untrained, 1)
    assert len(json.loads((tmp_path / STATE).read_text())["history"]) == 2


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"images": 3'])
def test_a_damaged_state_is_named(recipe, untrained, tmp_path, text):
    (tmp_path / STATE).write_text(text)
    watch = watcher(recipe, HELD, tmp_path, every=1)
    assert watch is not None
    with pytest.raises(UnfitCheckpoint, match=f"{STATE} cannot be read as the state of a monitor.*Remove it"):
        watch(untrained, 7)


def test_a_state_that_may_not_be_read_is_not_to_be_removed(recipe, untrained, tmp_path):
    (tmp_path / STATE).write_text("{}")
    watch = watcher(recipe, HELD, tmp_path, every=1)
    assert watch is not None
    with closed(tmp_path / STATE), pytest.raises(UnfitCheckpoint, match=r"cannot be read: Permission denied") as told:
        watch(untrained, 7)
    assert "emove" not in str(told.value)


def test_too_few_images_are_not_watched(recipe, tmp_path):
    assert watcher(recipe, scenes(7), tmp_path, every=1) is None


def test_images_without_labels_have_no_votes(recipe, untrained, tmp_path):
    watch = watcher(recipe, TrainingSet(HELD.pixels, torch.full((24,), -1)), tmp_path, every=1)
    assert watch is not None
    assert set(watch(untrained, 1) or ()) == {key for key in KEYS if not key.startswith("knn")}


def test_readings_stand_in_the_log_of_a_run_and_change_nothing_in_it(recipe, stripes, tmp_path):
    ends = []
    for name in ("watched", "alone"):
        folder = tmp_path / name
        objective = build(catalogue["mae"], recipe, setting_of(recipe, len(stripes), 4))
        watch = watcher(recipe, HELD, folder, every=2) if name == "watched" else None
        ends.append(train(objective, recipe, stripes, folder, every=4, watch=watch).encoder.state_dict())
    for key, value in ends[0].items():
        assert torch.equal(value, ends[1][key])
    lines = [json.loads(line) for line in (tmp_path / "watched" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 2, 4, 6, 8]
    assert "loss" not in lines[0]
    assert set(lines[0]) >= KEYS


def test_a_collapse_is_said_in_words(recipe, untrained, tmp_path):
    watch = watcher(recipe, HELD, tmp_path, every=1)
    assert watch is not None
    constant = ViT(recipe.architecture)
    constant.load_state_dict(untrained.state_dict())
    with torch.no_grad():
        constant.norm.weight.zero_()
        constant.norm.bias.fill_(1.0)
    lines = [watch(constant, step) for step in range(1, 5)]
    assert ["collapse" in line for line in lines if line] == [False, False, True, True]
    assert str((lines[2] or {})["collapse"]).startswith("complete collapse since step 1: isotropy fell from")
