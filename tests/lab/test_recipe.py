"""Recipes: what is read, the rate's course, and what is refused with what to do."""

import math
from dataclasses import replace
from inspect import signature

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rights import closed
from small_objectives import made
from small_run import RECIPE

from repscope.errors import UnknownName, WrongUsage
from repscope.lab import objectives
from repscope.lab import recipe as recipes
from repscope.lab.train import steps_of

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
    ("warmup = 2", "moonlight = 3", "No field of a recipe is called 'moonlight'"),
    ("warmup = 2", "speed = 3", "No field of a recipe is called 'speed'. Did you mean seed"),
    ("warmup = 2", "objective = 5", "objective to be the name of one; got 5"),
    ("warmup = 2", 'view = "a"', "view to be a whole number of pixels; got 'a'"),
    ("warmup = 2", "view = true", "view to be a whole number of pixels; got True"),
    ("warmup = 2", "local = -4", "local to be a whole number of pixels; got -4"),
    ("warmup = 2", "view = 400000", "view to be whole patches of 4 pixels, 64 at most; got 400000"),
    ("warmup = 2", "local = 68", "local to be whole patches of 4 pixels, 64 at most; got 68"),
    ("warmup = 2", "betas = 5", "betas to be two numbers from 0 to below 1; got 5"),
    ("warmup = 2", 'crop = "ab"', "crop to be two shares of an image's area"),
    ("warmup = 2", f"clip = 1{'0' * 400}", "clip to be above 0"),
    ("warmup = 2", f"betas = {'[' * 5000}", "does not read as one"),
    ("warmup = 2", "seed = -1", "seed to be a whole number, 0 or more"),
    ("warmup = 2", "seed = 16777216", "seed to be below 16777216"),
    ("warmup = 2", "snapshots = -1", "snapshots to be a whole number, 0 or more"),
    ("warmup = 2", 'optimiser = "sgd"', "optimiser to be muon or adamw; got 'sgd'"),
    ("warmup = 2", "view = 10", "view to be whole patches of 4 pixels, 64 at most; got 10"),
    ("warmup = 2", "local = 2", "local to be whole patches of 4 pixels, 64 at most; got 2"),
    ("warmup = 2", "clip = 0.0", "clip to be above 0"),
    ("warmup = 2", "weight_decay = -0.1", "weight_decay to be 0 or more"),
    ("warmup = 2", "options = 3", "options to be a table for each objective"),
    ("warmup = 2", "[options]\nmae = 3", "options to be a table for each objective"),
    ("size = 16", "size = 20", "make size, grid and patch agree"),
    ("patch = 4", "patch = 4\ntubelet = 2", "reads video"),
    ("heads = 2", "heads = 3", "3 heads do not divide a width of 16"),
    ("width = 16", "", "it has no 'width'"),
    ("width = 16", "widht = 16", "it has no 'width'"),
    (
        "heads = 2",
        "heads = 2\nregister = 1",
        "No field of an architecture is called 'register'. Did you mean registers",
    ),
    ("grid = [4, 4]", "", "it has no 'grid'"),
    ("grid = [4, 4]", "grid = 4", "grid is two whole numbers, as in \\[8, 8\\]; got 4"),
    ("grid = [4, 4]", "grid = [4]", "grid is two whole numbers"),
    ("grid = [4, 4]", 'grid = ["4", 4]', "rows is '4'"),
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


@pytest.mark.parametrize(("name", "images"), [("objectives", 25_000), ("tiny-imagenet", 50_000)])
def test_no_moving_average_ends_with_its_beginning_in_it(name, images):
    """What an average still holds of the initialisation is the product of its momenta."""
    recipe = recipes.read(name)
    steps, _ = steps_of(recipe, images)
    averaged = {
        each: parameters["teacher_momentum"].default
        for each, kind in objectives.catalogue.items()
        if "teacher_momentum" in (parameters := signature(kind.__init__).parameters)
    }
    assert averaged.keys() == {"byol", "dino", "ijepa", "vjepa"}
    for each, default in averaged.items():
        start = recipe.options.get(each, {}).get("teacher_momentum", default)
        left = math.prod(objectives.momentum(start, (k + 1) / steps) for k in range(steps))
        assert left < 1e-3, each


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


def test_a_table_in_place_of_a_number_and_a_number_in_place_of_a_table_are_refused(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text("size = 16\narchitecture = 3\n")
    with pytest.raises(WrongUsage, match=r"architecture is a table, \[architecture\], .*; got 3"):
        recipes.read(str(file))


def test_a_name_of_its_own_is_no_field(tmp_path):
    """A recipe is called as its file is."""
    file = tmp_path / "wrong.toml"
    file.write_text('name = "other"\n' + RECIPE)
    with pytest.raises(WrongUsage, match="No field of a recipe is called 'name'"):
        recipes.read(str(file))


@pytest.mark.parametrize("name", ["nowhere.toml", "recipes/nowhere", "./tiny-imagenet"])
def test_a_path_where_there_is_no_file_is_told_as_one(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        WrongUsage, match=r"There is no file .*(nowhere|tiny-imagenet).*; give .* one of .*tiny-imagenet"
    ):
        recipes.read(name)


def test_a_file_may_have_any_name_and_a_folder_is_none(tmp_path):
    (tmp_path / "mine").write_text(RECIPE)
    assert recipes.read(str(tmp_path / "mine")).name == "mine"
    with pytest.raises(WrongUsage, match="cannot be read: Is a directory"):
        recipes.read(f"{tmp_path}/")


def test_a_file_that_may_not_be_read_says_so(tmp_path):
    (tmp_path / "mine.toml").write_text(RECIPE)
    with closed(tmp_path / "mine.toml"), pytest.raises(WrongUsage, match=r"mine\.toml cannot be read: Permission"):
        recipes.read(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("name", ["tiny-imagnet", ""])
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
