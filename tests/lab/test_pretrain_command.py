"""`repscope pretrain` from end to end: an encoder that loads, in a run that can be stopped and gone on with."""

from pathlib import Path

import pytest
import torch
from command_run import called, card, done, same, weights
from PIL import Image
from small_run import RECIPE, drawn, parquet_file

import repscope
from repscope.encoders.vit import ViT
from repscope.errors import UnfitCheckpoint
from repscope.lab import checkpoint, train


class TestEncoder:
    def test_it_lies_there_with_its_card_and_in_half_precision(self, made):
        from safetensors.torch import load_file

        there = {"encoder.safetensors", "card.md", "run.state", "log.jsonl", "steps"}
        assert there <= {p.name for p in made.iterdir()}
        assert not list(made.rglob("*.part"))
        assert {value.dtype for value in load_file(made / "encoder.safetensors").values()} == {torch.float16}
        assert len(list((made / "steps").glob("step-*.safetensors"))) == 8

    def test_its_folder_is_an_encoder_with_the_weights_of_the_run(self, made):
        kept, _ = checkpoint.read_state(made / "run.state")
        prefix = "objective.encoder."
        trained = {name[len(prefix) :]: value for name, value in kept.items() if name.startswith(prefix)}
        there = weights(made)
        assert there.keys() == trained.keys()
        assert all(torch.equal(value, trained[name].half().float()) for name, value in there.items())

    def test_it_can_be_looked_into(self, made, tmp_path):
        for place, pixels in enumerate(drawn(3, side=64, seed=5)[0]):
            Image.fromarray(pixels).save(tmp_path / f"{place}.png")
        assert repscope.inspect([str(tmp_path)], repscope.load(str(made))).title

    def test_weights_that_half_precision_cannot_hold_are_not_written(self, recipe):
        encoder = ViT(recipe.architecture)
        torch.nn.init.constant_(encoder.norm.weight, 1e6)
        with pytest.raises(UnfitCheckpoint, match=r"norm.weight does not fit torch.float16"):
            checkpoint.as_written(encoder)

    @pytest.mark.usefixtures("unwatched")
    @pytest.mark.parametrize("given", ["recipe", "command"])
    def test_objective_and_options_come_from_the_recipe_or_the_command(self, given, images, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        toml = RECIPE.replace("\n[arch", '\nobjective = "dino"\n[options.dino]\nlocals = 1\noutputs = 64\n[arch')
        more = ["--objective", "vicreg", "--option", "outputs=32"] if given == "command" else ["--option", "locals=3"]
        Path("own.toml").write_text(toml)
        done("own.toml", "--data", images, *more, "--epochs", 0.5, "--seed", 3)
        out = Path("runs") / ("own-vicreg" if given == "command" else "own-dino")
        told = card(out)
        wanted = ("vicreg", [16] * 2, 0.5, 3) if given == "command" else ("dino", [16, 16, 8, 8, 8], 0.5, 3)
        assert tuple(told[name] for name in ("objective", "views", "epochs", "seed")) == wanted
        kept, values = checkpoint.read_state(out / "run.state")
        if given == "recipe":
            assert kept["objective.centre"].shape == (64,)
            assert values["recipe"]["options"] == {"dino": {"locals": 3, "outputs": 64}}

    @pytest.mark.usefixtures("unwatched")
    def test_a_folder_of_photos_trains_as_the_same_images_in_parquet(self, made, recipe_file, tmp_path):
        for split, (count, seed) in {"train": (64, 0), "val": (16, 1)}.items():
            for place, (pixels, label) in enumerate(zip(*drawn(count, seed=seed), strict=True)):
                path = tmp_path / "photos" / split / str(label) / f"{place:02}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(path)
        done(recipe_file, "--data", tmp_path / "photos", "--out", tmp_path / "run", "--epochs", 0)
        told, other = card(tmp_path / "run"), card(made)
        assert told["data"] == "photos"
        assert told["images"] == 64
        assert told["knn_accuracy"] == told["knn_untrained"] == other["knn_untrained"]  # of any order of the images


class TestResuming:
    @pytest.mark.usefixtures("unwatched")
    def test_a_finished_run_writes_encoder_and_card_again(self, made, again, images, recipe_file):
        for name in ("card.md", "encoder.safetensors"):
            (again / name).unlink()
        said = done(recipe_file, "--data", images, "--out", again, "--resume")
        assert "holds no run" not in said.err + said.out
        for name in ("card.md", "encoder.safetensors", "run.state", "log.jsonl"):
            assert (again / name).read_bytes() == (made / name).read_bytes(), name
        assert card(made) == card(again)

    @pytest.mark.usefixtures("unwatched")
    def test_a_run_that_is_begun_and_not_gone_on_with_is_told(self, images, recipe_file, tmp_path):
        said = done(recipe_file, "--data", images, "--out", tmp_path / "tpyo", "--resume", "--epochs", 0)
        assert "tpyo holds no run to go on with: it is begun" in said.err + said.out

    @pytest.mark.usefixtures("unwatched")
    def test_a_dial_that_was_turned_is_told(self, again, images, recipe_file):
        done(recipe_file, "--data", images, "--out", again, "--resume", "--epochs", 2.5)
        told = card(again)
        assert (told["epochs"], told["presentations"], told["dial"]) == (2.5, 160, [2, 2.5])
        assert "set to 2, then 2.5 epochs" in (again / "card.md").read_text()

    def test_a_run_that_was_stopped_ends_as_one_that_was_not(self, made, images, recipe_file, tmp_path, monkeypatch):
        step = train.Run.step

        def stopped(run, number):
            if number == 5:
                raise KeyboardInterrupt
            return step(run, number)

        words = (recipe_file, "--data", images, "--out", tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr(train.Run, "step", stopped)
            said = called(*words)
        assert said.code == 130
        assert "The same command with --resume goes on" in said.err
        assert "Traceback" not in said.err
        done(*words, "--resume")
        assert same(made, tmp_path)
        assert card(made) == card(tmp_path)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (["--seed", "1"], "its seed is 0, here it is 1"),
            (["--option", "hidden=0.5"], "its options.mae.hidden is not set, here it is 0.5"),
            (["--objective", "diet"], "its objective is mae, here it is diet"),
            (["--data", "OTHER"], "it was begun on other images or labels. Go on with what it was begun with"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    @pytest.mark.usefixtures("unwatched")
    def test_another_run_is_not_gone_on_with(self, change, told, made, images, recipe_file, tmp_path):
        before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
        other = parquet_file(tmp_path / "train.parquet", *drawn(64, seed=9)).parent
        words = ["--data", images, "--out", made, "--resume", *(other if word == "OTHER" else word for word in change)]
        said = called(recipe_file, *words)
        assert said.code == 2
        assert "run.state is of another run: " in said.err
        assert told in said.err
        assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before

    def test_a_damaged_state_says_so(self, again, images, recipe_file):
        (again / "run.state").write_bytes(b"PK\x03\x04")
        said = called(recipe_file, "--data", images, "--out", again, "--resume")
        assert said.code == 1
        assert "run.state cannot be read as the state of a run" in said.err
