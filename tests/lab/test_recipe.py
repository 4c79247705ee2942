"""Recipes: what is read, the rate's course, and what is refused with what to do."""

import math
from dataclasses import replace
from inspect import signature

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_objectives import made
from small_run import RECIPE

from repscope.errors import UnknownName, WrongUsage
from repscope.lab import objectives
from repscope.lab import recipe as recipes

WRONG = [
    ("batch = 16", "batch = 0", "batch to be a whole number, 1 or more; got 0"),
    ("batch = 16", 'batch = "16"', "batch to be a whole number"),
    ("batch = 16", "batch = 16.5", "batch to be a whole number"),
    ("epochs = 2", "epochs = -1", "epochs to be 0 or more; got -1"),
    ("epochs = 2", "epochs = nan", "epochs to be 0 or more"),
    ("epochs = 2", "epochs = inf", "epochs to be 0 or more"),
    ("rate = 2e-3", "rate = 0.0", "rate to be above 0"),
    ("warmup = 2", "warmup = -2", "warmup to be a whole number"),
    ("warmup = 2", "decay = 1.5", "decay to be a share of the run"),
    ("warmup = 2", 'precision = "float16"', "precision to be auto or float32 or bfloat16; got 'float16'"),
    ("warmup = 2", "crop = [0.5, 0.2]", "crop to be two shares"),
    ("warmup = 2", "crop = [0.0, 0.2]", "crop to be two shares"),
    ("warmup = 2", "betas = [0.9]", "betas to be two numbers"),
    ("warmup = 2", "betas = [0.9, 1.0]", "betas to be two numbers"),
    ("warmup = 2", "moonlight = 3", "moonlight"),
    ("warmup = 2", "seed = -1", "seed to be a whole number, 0 or more"),
    ("warmup = 2", "seed = 16777216", "seed to be below 16777216"),
    ("warmup = 2", "snapshots = -1", "snapshots to be a whole number, 0 or more"),
    ("warmup = 2", 'optimiser = "sgd"', "optimiser to be muon or adamw; got 'sgd'"),
    ("warmup = 2", "view = 10", "view to be whole patches of 4 pixels; got 10"),
    ("warmup = 2", "local = 2", "local to be whole patches of 4 pixels; got 2"),
    ("warmup = 2", "clip = 0.0", "clip to be above 0"),
    ("warmup = 2", "weight_decay = -0.1", "weight_decay to be 0 or more"),
    ("warmup = 2", "options = 3", "options to be a table for each objective"),
    ("warmup = 2", "[options]\nmae = 3", "options to be a table for each objective"),
    ("size = 16", "size = 20", "make size, grid and patch agree"),
    ("patch = 4", "patch = 4\ntubelet = 2", "reads video"),
    ("heads = 2", "heads = 3", "3 heads do not divide a width of 16"),
    ("width = 16", "", "width"),
    ("grid = [4, 4]", "", "it has no 'grid'"),
    ("grid = [4, 4]", "grid = 4", "does not read as one"),
    ("[architecture]", "[building]", "it has no 'architecture'"),
    ("size = 16", "size == 16", "does not read as one"),
]


def course(rates):
    return [round(rate, 12) for rate in rates]


def test_the_recipe_of_the_embedded_encoders():
    recipe = recipes.read("tiny-imagenet")
    a = recipe.architecture
    assert (recipe.size, recipe.batch, recipe.precision) == (64, 128, "bfloat16")
    assert (a.width, a.depth, a.heads, a.patch, a.grid, a.prefix) == (192, 6, 6, 8, (8, 8), 0)


@pytest.mark.parametrize("name", sorted(path.stem for path in recipes.FOLDER.glob("*.toml")))
def test_every_recipe_of_the_package_reads_and_names_an_objective(name):
    recipe = recipes.read(name)
    assert recipe.name == name
    assert {recipe.objective, *recipe.options} <= set(objectives.catalogue)
    for objective, options in recipe.options.items():
        assert set(options) <= set(signature(objectives.catalogue[objective]).parameters)


def test_the_recipe_of_the_published_comparison():
    recipe = recipes.read("cifar10-ijepa")
    a = recipe.architecture
    assert (recipe.size, a.patch, a.width, a.depth, a.heads) == (32, 4, 192, 6, 6)
    assert (recipe.objective, recipe.epochs) == ("ijepa", 300)
    predictor = made("ijepa", recipe, **recipe.options["ijepa"]).predictor
    assert (predictor.inner.out_features, len(predictor.blocks)) == (96, 4)


def test_views_are_as_large_as_the_image_and_small_ones_half_where_nothing_is_said(recipe):
    assert (recipe.view, recipe.local) == (16, 8)
    assert replace(recipe, view=12, local=0).local == 4  # down to whole patches
    assert replace(recipe, view=4, local=0).local == 4  # and never to none


def test_the_objectives_options_are_tables(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(RECIPE + "\n[options.dino]\nlocals = 3\n[options.mae]\nhidden = 0.6\n")
    assert recipes.read(str(file)).options == {"dino": {"locals": 3}, "mae": {"hidden": 0.6}}


def test_a_file_gives_what_it_says(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(RECIPE.replace("warmup = 2", "warmup = 2\nbetas = [0.8, 0.9]\ncrop = [0.5, 1]"))
    recipe = recipes.read(str(file))
    assert (recipe.name, recipe.size, recipe.epochs, recipe.rate) == ("mine", 16, 2, 2e-3)
    assert (recipe.betas, recipe.crop) == ((0.8, 0.9), (0.5, 1))


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG, ids=[wrong or "no " + right for right, wrong, _ in WRONG])
def test_what_no_run_can_be_made_of_is_refused(tmp_path, right, wrong, told):
    file = tmp_path / "wrong.toml"
    assert right in RECIPE
    file.write_text(RECIPE.replace(right, wrong))
    with pytest.raises(WrongUsage, match=told) as error:
        recipes.read(str(file))
    assert "wrong.toml" in str(error.value)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WrongUsage, match="does not read as one"):
        recipes.read(str(file))


@pytest.mark.parametrize("name", ["tiny-imagnet", "nowhere.toml", ""])
def test_a_name_that_there_is_not_answers_with_those_that_are(name):
    with pytest.raises(UnknownName, match="tiny-imagenet"):
        recipes.read(name)


def test_the_rate_rises_holds_and_falls(recipe):
    plan = replace(recipe, rate=1.0, warmup=4, decay=0.5)
    assert course(plan.rate_at(step, 20) for step in range(20)) == course(
        [0.25, 0.5, 0.75] + [1.0] * 8 + [left / 10 for left in range(9, 0, -1)]
    )


@given(st.integers(0, 50), st.floats(0, 1), st.integers(1, 200))
def test_the_rate_stays_between_zero_and_its_peak(warmup, decay, steps):
    plan = replace(recipes.read("tiny-imagenet"), warmup=warmup, decay=decay)
    rates = [plan.rate_at(step, steps) for step in range(steps)]
    assert all(0 < rate <= plan.rate and math.isfinite(rate) for rate in rates)
