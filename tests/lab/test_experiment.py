"""experiment: every cell of a plan trained once, alike but for what it is told to differ in."""

import multiprocessing
import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_run import card, same, weights
from small_run import RECIPE, drawn, parquet_file

from repscope.errors import RepscopeError, UnfitCheckpoint, UnfitData, UnknownName, WrongUsage
from repscope.images import Photo, Skipped
from repscope.lab import data
from repscope.lab.experiment import apart, experiment
from repscope.lab.plan import PROXY, Cell, Plan, hold, request, waves
from repscope.lab.request import planned


@pytest.fixture
def plan(recipe_file: Path, images: Path, tmp_path: Path) -> Plan:
    return Plan(str(recipe_file), images, tmp_path / "runs", ("distill", "mae", "supervised"), seeds=2, parts=2)


def cells(plan: Plan) -> list[Cell]:
    return [cell for wave in waves(plan) for cell in wave]


def test_a_plan_has_every_cell_once_and_learners_after_those_they_learn_from(plan):
    found = cells(plan)
    assert len({(c.objective, c.part, c.seed) for c in found}) == len({c.folder for c in found}) == 4 * 2 * 2
    assert [{c.objective for c in wave} for wave in waves(plan)] == [{"mae", "supervised"}, {PROXY}, {"distill"}]
    assert {c.part for c in found} == {1, 2}
    alone = replace(plan, objectives=("mae", "supervised"))
    assert [{c.objective for c in wave} for wave in waves(alone)] == [{"mae", "supervised"}]


def test_cells_differ_in_objective_part_and_seed_alone(plan):
    plans = {cell: planned(request(plan, cell))[0] for cell in cells(plan)}
    for cell, recipe in plans.items():
        seed = 2 * cell.seed + cell.part - 1
        assert (recipe.objective, recipe.seed) == (cell.objective.replace(PROXY, "distill"), seed)
        told = recipe.to_dict() | {"objective": "", "seed": 0, "options": {}}
        assert told == next(iter(plans.values())).to_dict() | {"objective": "", "seed": 0, "options": {}}
        assert request(plan, cell).part == (cell.part - 1, 2)


def test_parts_have_no_seed_in_common_and_objectives_all(plan):
    seeds = {(c.objective, c.part, c.seed): request(plan, c).seed for c in cells(plan)}
    assert len({seeds["mae", part, seed] for part in (1, 2) for seed in (0, 1)}) == 4
    assert all(seeds["mae", part, seed] == seeds["distill", part, seed] for part in (1, 2) for seed in (0, 1))
    more = {(c.objective, c.part, c.seed): request(plan, c).seed for c in cells(replace(plan, seeds=3))}
    assert more | seeds == more  # seeds may be added


def test_distill_learns_from_a_proxy_of_the_others_of_its_part_and_seed(plan):
    taught = {"proxy": ["mae", "supervised"], "distill": ["proxy"]}
    for cell in cells(plan)[4 * 2 :]:
        teachers = request(plan, cell).options["teachers"]
        assert [Path(t).name for t in teachers] == [
            f"{name}-part-{cell.part}-seed-{cell.seed}" for name in taught[cell.objective]
        ]
    assert not any(request(plan, cell).options for cell in cells(plan)[: 4 * 2])


def test_a_plan_is_trained_and_a_second_call_changes_nothing(plan):
    told: list[str] = []
    found = experiment(plan, say=told.append)
    assert told[-1] == "16 of 16 runs: distill, part 2, seed 1"
    assert len(found) == 12
    cards = {str(cell): card(cell.folder) for cell in found}
    assert {c["images"] for c in cards.values()} == {32}
    assert {c["presentations"] for c in cards.values()} == {64}
    assert cards["mae, part 2, seed 0"]["data"] == "stripes (part 2 of 2)"
    assert cards["distill, part 1, seed 1"]["teachers"] == ["proxy-part-1-seed-1"]
    proxy = card(plan.out / "proxy-part-1-seed-1")
    assert proxy["teachers"] == ["mae-part-1-seed-1", "supervised-part-1-seed-1"]
    assert proxy["labels"] == cards["distill, part 1, seed 1"]["labels"] == "used by a teacher"
    first = {cell: weights(cell.folder) for cell in found}
    experiment(plan, say=told.append)
    for cell, held in first.items():
        assert card(cell.folder) == cards[str(cell)]
        assert all(bool((value == held[name]).all()) for name, value in weights(cell.folder).items())
    untrained = card(plan.out / "untrained")
    assert (untrained["objective"], untrained["images"]) == ("untrained", 64)
    runs = {name: plan.out / f"mae-part-{name}" for name in ("1-seed-0", "2-seed-0", "1-seed-1")}
    assert not same(runs["1-seed-0"], runs["2-seed-0"])
    assert not same(runs["1-seed-0"], runs["1-seed-1"])


def test_workers_train_the_same(plan, tmp_path):
    few = replace(plan, objectives=("mae", "supervised"), parts=1, epochs=1)
    beside = replace(few, out=tmp_path / "beside")
    for one, other in zip(experiment(few), experiment(beside, workers=2), strict=True):
        there = weights(other.folder)
        for name, value in weights(one.folder).items():
            assert there[name].allclose(value, atol=2e-3), name  # threads differ: rounding of float16 files


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"objectives": ("mae",)}, "two objectives and two seeds or more; got 1 and 2"),
        ({"seeds": 1}, "got 3 and 1"),
        ({"objectives": ("distill", "mae")}, "name two or more besides it"),
        ({"objectives": ("mae", "mae")}, "Name each objective once"),
        ({"parts": 0}, "1 part or more; got 0"),
        ({"objectives": ("mae", "dino", "proxy")}, "name distill"),
    ],
)
def test_what_no_comparison_can_be_made_of(plan, changed, said):
    values = {name: getattr(plan, name) for name in ("recipe", "data", "out", "objectives", "seeds", "parts")}
    with pytest.raises(WrongUsage, match=said):
        Plan(**values | changed)


def test_an_objective_that_is_none_is_told_before_anything_is_trained(plan):
    with pytest.raises(UnknownName, match="maee"):
        experiment(replace(plan, objectives=("supervised", "maee")))
    assert not plan.out.exists()


def test_what_cannot_be_trained_is_told_before_anything_is(plan, tmp_path):
    pixels, _ = drawn(40)
    parquet_file(tmp_path / "bare.parquet", pixels, None)
    with pytest.raises(UnfitData, match="supervised wants"):
        experiment(replace(plan, data=tmp_path / "bare.parquet", objectives=("mae", "supervised")))
    assert not plan.out.exists()


def test_photos_that_are_trained_on_are_left_out(plan, images):
    bank = data.read(data.found(images).train, 16)
    held = bank.pixels[41].permute(1, 2, 0).numpy()
    other = np.random.default_rng(0).integers(0, 256, held.shape, np.uint8)
    photos = [Photo("other", other), Photo("held", held, source="there/held.png")]
    kept, left = apart(plan, photos)
    assert [photo.id for photo in kept] == ["other"]
    assert left == [Skipped("there/held.png", f"alike to image 42 of {images}, trained on")]
    with pytest.raises(WrongUsage, match="All 1 photos are trained on"):
        apart(plan, photos[1:])


@pytest.mark.parametrize(("changed", "said"), [({"epochs": 1}, "epochs"), ({"parts": 1}, "parts")])
def test_runs_of_another_budget_are_not_compared(plan, changed, said):
    few = replace(plan, objectives=("mae", "supervised"), parts=2, epochs=0.5)
    experiment(few)
    with pytest.raises(WrongUsage, match=rf"holds runs of another experiment: {said} .* there, .* here\. Choose"):
        experiment(replace(few, **changed))
    assert len(experiment(replace(few, seeds=3))) == 12


def test_runs_of_other_options_are_not_compared(plan, tmp_path):
    own = replace(plan, recipe=str(tmp_path / "own.toml"))
    for locals_ in (5, 6):
        Path(own.recipe).write_text(f"{RECIPE}\n[options.dino]\nlocals = {locals_}\n")
        if locals_ == 5:
            hold(own)
    with pytest.raises(WrongUsage, match=r"options .*5.* there, .*6.* here"):
        hold(own)


def test_runs_of_other_images_are_not_compared(plan, images, tmp_path):
    hold(plan)
    kept = (plan.out / "plan.json").read_bytes()
    copy = shutil.copytree(images, tmp_path / "copy")
    hold(replace(plan, data=copy))  # moved, they are the same
    assert (plan.out / "plan.json").read_bytes() == kept
    pixels, labels = drawn(60)
    parquet_file(tmp_path / "train.parquet", pixels, labels)
    with pytest.raises(WrongUsage, match=r"images '64 in files .*' there, '60 in files .*' here"):
        hold(replace(plan, data=tmp_path / "train.parquet"))


def test_distilled_runs_of_other_teachers_are_not_compared(plan):
    hold(replace(plan, objectives=("mae", "supervised")))
    hold(replace(plan, objectives=("mae", "supervised", "simclr")))
    hold(replace(plan, objectives=("mae", "supervised", "distill")))
    with pytest.raises(WrongUsage, match=r"teachers \['mae', 'supervised'\] there, \['mae', 'simclr', 'supervised'\]"):
        hold(replace(plan, objectives=("mae", "supervised", "simclr", "distill")))
    hold(replace(plan, objectives=("mae", "supervised", "simclr")))


@pytest.mark.parametrize("held", ["", "[1]", '"plan"', "{"])
def test_a_plan_that_cannot_be_read_is_told(plan, held):
    plan.out.mkdir()
    (plan.out / "plan.json").write_text(held)
    with pytest.raises(UnfitCheckpoint, match="cannot be read as a plan"):
        hold(plan)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_fails_is_told_and_stops_the_others(plan, workers):
    few = replace(plan, objectives=("mae", "supervised"), parts=1, seeds=4, epochs=1)
    broken = waves(few)[0][0].folder
    broken.mkdir(parents=True)
    (broken / "run.state").write_bytes(b"broken")
    with pytest.raises(UnfitCheckpoint, match="cannot be read as the state of a run"):
        experiment(few, workers=workers)
    assert not waves(few)[0][-1].done


def test_a_run_that_the_machine_ends_is_told(plan):
    """A worker killed from outside, as where memory is short: the experiment does not wait for it for ever."""
    few = replace(plan, objectives=("mae", "supervised"), parts=1, epochs=1000)

    def kill_one() -> None:
        while not (children := multiprocessing.active_children()):
            time.sleep(0.05)
        os.kill(children[0].pid, signal.SIGKILL)

    assassin = threading.Thread(target=kill_one)
    assassin.start()
    with pytest.raises(RepscopeError, match=r"ended by signal 9.*The same command goes on"):
        experiment(few, workers=2)
    assassin.join()
    assert not multiprocessing.active_children()
