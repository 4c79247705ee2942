"""What a person may get wrong: a line that says what to do, an exit code, and nothing lost."""

import pytest
import torch
from command_run import called, card, done, weights
from rights import closed
from small_run import RECIPE, drawn, parquet_file, png

from repscope.lab import checkpoint, data
from repscope.lab.objectives.mae import mae


class TestErrors:
    @pytest.fixture
    def places(self, images, recipe_file, made, tmp_path):
        """What the words in capitals stand for."""
        pixels, labels = drawn(20)
        few, alike, unlabelled, broken, empty = (tmp_path / name for name in "abcde")
        for folder in (few, alike, unlabelled, broken, empty):
            folder.mkdir()
        parquet_file(few / "train.parquet", pixels[:5], labels[:5])
        parquet_file(alike / "train.parquet", pixels, [7] * 20)
        parquet_file(unlabelled / "train.parquet", pixels, None)
        for place, image in enumerate(pixels):
            (broken / f"{place}.png").write_bytes(png(image))
        (broken / "5.png").write_bytes(png(pixels[5])[:60])
        (tmp_path / "file").touch()
        parquet_file(tmp_path / "some.parquet", pixels, [None, *labels[1:]])
        own = {
            "wild": ("rate = 2e-3", "rate = 1e30"),
            "odd": ("size = 16", "size = 17"),
            "one": ("batch = 16", "batch = 1"),
            "misspelt": ("\n[arch", "\n[options.maee]\nhidden = 0.5\n[arch"),
            "untaken": ("\n[arch", "\n[options.dino]\nlocal = 3\n[arch"),
            "numbered": ("size = 16", "size = 16\nobjective = 5"),
            "huge": ("size = 16", "size = 16\nview = 400000"),
        }
        for name, change in own.items():
            (tmp_path / f"{name}.toml").write_text(RECIPE.replace(*change))
        return {
            "RECIPE": recipe_file,
            "FEW": few,
            "ALIKE": alike,
            "UNLABELLED": unlabelled,
            "BROKEN": broken,
            "EMPTY": empty,
            "NOWHERE": tmp_path / "nowhere",
            "FILE": tmp_path / "file",
            "BELOW": tmp_path / "file/below",
            "MADE": made,
            "SOME": tmp_path / "some.parquet",
            **{name.upper(): tmp_path / f"{name}.toml" for name in own},
            "--data": images,
            "--out": tmp_path / "out",
        }

    @pytest.mark.usefixtures("unwatched")
    @pytest.mark.parametrize(
        ("words", "code", "told"),
        [
            ("tiny-imagnet", 2, "No recipe is called 'tiny-imagnet'. Did you mean tiny-imagenet?"),
            ("nowhere.toml", 2, "There is no file nowhere.toml; give the path of a TOML file, or one of"),
            ("mini.tml", 2, "There is no file mini.tml; give the path of a TOML file, or one of"),
            ("ODD", 2, "odd.toml: The recipe odd wants images of 17 pixels, but 4 x 4 patches of 4"),
            ("RECIPE --objective mea", 2, "No objective is called 'mea'. Did you mean mae"),
            ("RECIPE --option hiden=0.5", 2, "No option of mae is called 'hiden'. Did you mean hidden?"),
            ("RECIPE --option hidden", 2, "--option wants NAME=VALUE"),
            ("RECIPE --option hidden=much", 2, "option hidden of mae wants a number, above 0 and below 1; got 'much'"),
            ("RECIPE --option hidden=-0.5", 2, "wants a number, above 0 and below 1; got -0.5"),
            ("RECIPE --option hidden=nan", 2, "wants a number, above 0 and below 1; got nan"),
            (
                "RECIPE --objective dino --option locals=1.5",
                2,
                "locals of dino wants a whole number, from 0 to 100; got 1.5",
            ),
            ("RECIPE --objective dino --option centring=1", 2, "centring of dino wants true or false; got 1"),
            ("RECIPE --objective distill --option teachers=tiny-mae", 2, "wants a list of names"),
            (
                "RECIPE --objective ijepa --option width=15",
                2,
                "width of ijepa wants a whole number, a multiple of 12 from 12 to 16,380",
            ),
            ("RECIPE --objective ijepa --option width=7", 2, "a multiple of 12 from 12 to 16,380; got 7"),
            ("RECIPE --objective ijepa --option depth=0", 2, "depth of ijepa wants a whole number, from 1 to 100"),
            (
                "RECIPE --objective vjepa --option frames=0",
                2,
                "frames of vjepa wants a whole number, from 1 to 100; got 0",
            ),
            ("RECIPE --objective supervised --option smoothing=2", 2, "from 0 to below 1; got 2"),
            ("RECIPE --objective diet --option smoothing=1.5", 2, "from 0 to below 1; got 1.5"),
            ("RECIPE --objective dino --option outputs=0", 2, "outputs of dino wants a whole number, from 1 to"),
            (
                "RECIPE --objective dino --option teacher_momentum=5",
                2,
                "teacher_momentum of dino wants a number, from 0",
            ),
            ("RECIPE --objective dino --option teacher_momentum=1", 2, "to below 1; got 1"),
            ("RECIPE --objective byol --option hidden=0", 2, "hidden of byol wants a whole number, from 1 to 16,384"),
            ("RECIPE --objective vicreg --option outputs=0", 2, "outputs of vicreg wants a whole number, from 1 to"),
            ("RECIPE --objective simclr --option temperature=0", 2, "wants a number, above 0; got 0"),
            ("RECIPE --objective lejepa --option weight=1.5", 2, "wants a number, from 0 to 1; got 1.5"),
            ("ONE --objective vicreg", 2, "wants 2 or more; the recipe one has batch = 1"),
            ("ONE --objective distill --teacher tiny-mae", 2, "wants 2 or more; the recipe one has batch = 1"),
            ("MISSPELT", 2, "No objective with [options] is called 'maee'. Did you mean mae"),
            ("UNTAKEN", 2, "No option of dino is called 'local'. Did you mean locals?"),
            ("NUMBERED", 2, "numbered.toml: The recipe numbered wants objective to be the name of one; got 5"),
            ("HUGE --objective simclr", 2, "view to be whole patches of 4 pixels, 64 at most; got 400000"),
            ("RECIPE --epochs -1", 2, "epochs to be 0 or more; got -1"),
            ("RECIPE --epochs nan", 2, "epochs to be 0 or more; got nan"),
            ("RECIPE --epochs inf", 2, "epochs to be 0 or more; got inf"),
            ("RECIPE --epochs many", 2, "--epochs"),
            ("RECIPE --seed -1", 2, "seed to be"),
            ("RECIPE --seed 99999999999999999999", 2, "seed to be"),
            ("RECIPE --threads 0", 2, "--threads wants 1 or more; got 0"),
            ("RECIPE --device tpu", 2, "tpu"),
            ("RECIPE --device cuda", 2, "no CUDA device"),
            ("RECIPE --device mps", 2, "no Apple GPU"),
            ("RECIPE --objective distill", 2, "distill wants one teacher or more: --teacher"),
            ("RECIPE --teacher tiny-mae", 2, "mae learns from no teacher"),
            (
                "RECIPE --objective distill --teacher tiny-mea",
                2,
                "No encoder is called 'tiny-mea'. Did you mean tiny-mae",
            ),
            ("RECIPE --objective distill --teacher tiny-mae", 2, "teachers that cut images as the student does"),
            ("RECIPE --objective distill --teacher FILE", 1, "file"),
            ("RECIPE --data EMPTY", 1, "There is no image to train on in"),
            ("RECIPE --data NOWHERE", 1, "is not there"),
            ("RECIPE --data FILE", 1, "is no Parquet file"),
            ("RECIPE --data FEW", 1, "A batch of 16 wants as many images; the training set has 5"),
            ("RECIPE --data BROKEN", 1, "5.png: the file is cut off"),
            ("RECIPE --objective supervised --data ALIKE", 1, "these images have 1 class."),
            ("RECIPE --objective supervised --data UNLABELLED", 1, "these images have no classes."),
            ("RECIPE --option hidden=1", 2, "hidden of mae wants a number, above 0 and below 1; got 1"),
            ("RECIPE --option hidden=0.99", 1, "A mask of 99% leaves 0 of 16 patches to see"),
            ("RECIPE --objective vjepa --option hidden=0.99", 1, "A mask of 99% leaves 0 of 16 patches to see"),
            ("RECIPE --objective supervised --data SOME", 1, "supervised wants a label for every image; some in"),
            ("RECIPE --out FILE", 1, "cannot be written to: File exists; choose another --out"),
            ("RECIPE --out BELOW", 1, "cannot be written to: Not a directory; choose another --out"),
            ("RECIPE --out MADE", 2, "holds a run already (run.state): add --resume"),
        ],
    )
    def test_a_mistake_ends_with_a_line(self, words, code, told, places):
        given = [places.get(word, word) if word.isupper() else word for word in words.split()]
        given += [word for name in ("--data", "--out") if name not in given for word in (name, places[name])]
        said = called(*given, *([] if "--device" in given else ["--device", "cpu"]))
        assert said.code == code
        assert "Traceback" not in said.err
        last = said.err.splitlines()[-1]
        assert last.startswith("repscope: ") or last.startswith("Error: "), said.err
        assert told in last
        assert said.out == ""
        assert not places["--out"].exists()

    @pytest.mark.usefixtures("unwatched")
    def test_a_loss_that_is_none_stops_and_the_last_good_state_stays(self, images, recipe_file, tmp_path, monkeypatch):
        loss = mae.loss
        steps = []

        def lost(objective, batch):
            steps.append(batch.rows)
            return loss(objective, batch) * (float("nan") if len(steps) == 6 else 1)

        words = (recipe_file, "--data", images, "--out", tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr(mae, "loss", lost)
            said = called(*words)
        assert said.code == 1
        rows = ", ".join(map(str, steps[-1][:4].tolist()))
        assert f"The loss is nan at step 5 (images {rows}, ..." in said.err
        assert "run.state is the last good state" in said.err
        _, values = checkpoint.read_state(tmp_path / "run.state")
        assert values["step"] == 5
        assert all(torch.isfinite(value).all() for value in weights(tmp_path).values())
        done(*words, "--resume")
        assert card(tmp_path)["presentations"] == 128

    @pytest.mark.usefixtures("unwatched")
    def test_a_rate_that_is_too_high_is_told_and_leaves_what_was_good(self, places):
        said = called(places["WILD"], "--data", places["--data"], "--out", places["--out"])
        assert said.code == 1
        assert "The encoder came apart: " in said.err
        assert "does not fit float16 after step 0 (images " in said.err
        assert "no state was kept before it. Try a smaller rate" in said.err
        assert "Traceback" not in said.err
        assert not list(places["--out"].rglob("*.safetensors"))

    @pytest.mark.parametrize("more", [(), ("--resume",)])
    def test_an_encoder_whose_state_has_gone_is_not_written_over(self, again, images, recipe_file, more):
        (again / "run.state").unlink()
        before = (again / "encoder.safetensors").read_bytes()
        said = called(recipe_file, "--data", images, "--out", again, *more)
        assert said.code == 2
        assert "holds a finished encoder without the state of its run" in said.err
        assert (again / "encoder.safetensors").read_bytes() == before

    def test_what_can_be_known_is_said_before_anything_is_decoded(
        self, made, images, recipe_file, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(data, "read", None)
        assert "holds a run already" in called(recipe_file, "--data", images, "--out", made).err
        few = parquet_file(tmp_path / "few.parquet", *drawn(5))
        some = parquet_file(tmp_path / "some.parquet", drawn(20)[0], [None] + [1, 2] * 9 + [1])
        for words, told in (
            (["--data", few], "A batch of 16"),
            (["--data", images, "--objective", "distill", "--teacher", "tiny-mea"], "Did you mean tiny-mae"),
            (["--data", images, "--objective", "distill", "--teacher", tmp_path / "gone"], "gone"),
            (["--data", images, "--objective", "distill", "--teacher", "tiny-mae"], "teachers that cut images as"),
            (["--data", images, "--option", "hidden=1"], "hidden of mae wants"),
            (["--data", images, "--option", "hidden=0.99"], "A mask of 99%"),
            (["--data", few.parent / "some.parquet", "--objective", "supervised"], f"some in {some} have none"),
        ):
            said = called(recipe_file, *words, "--out", tmp_path / "runs" / "out")
            assert told in said.err
            assert "Traceback" not in said.err
            assert not (tmp_path / "runs").exists()

    def test_a_folder_made_for_a_run_that_wrote_nothing_goes_again_and_one_that_was_there_stays(
        self, places, recipe_file, tmp_path
    ):
        words = (recipe_file, "--data", places["BROKEN"], "--out")
        assert "5.png" in called(*words, tmp_path / "new" / "deep").err
        assert not (tmp_path / "new").exists()
        (tmp_path / "old").mkdir()
        assert "5.png" in called(*words, tmp_path / "old" / "deep").err
        assert list((tmp_path / "old").iterdir()) == []


@pytest.mark.usefixtures("unwatched")
class TestClosed:
    """What a person may not read or enter, the administrator included."""

    def assert_told(self, said, code, told):
        assert said.code == code
        assert said.err.splitlines()[-1].startswith("repscope: ")
        assert told in said.err.splitlines()[-1]
        assert "Traceback" not in said.err

    def test_a_recipe(self, images, tmp_path):
        (tmp_path / "mine.toml").write_text(RECIPE)
        with closed(tmp_path / "mine.toml") as recipe:
            self.assert_told(called(recipe, "--data", images), 2, "mine.toml cannot be read: Permission denied")

    def test_a_folder_above_the_run(self, images, recipe_file, tmp_path):
        (tmp_path / "shut").mkdir()
        with closed(tmp_path / "shut") as shut:
            said = called(recipe_file, "--data", images, "--out", shut / "run")
        self.assert_told(said, 1, "shut/run cannot be written to: Permission denied; choose another --out")

    def test_a_class_of_images(self, recipe_file, tmp_path):
        for name in ("a", "b"):
            (tmp_path / "photos" / name).mkdir(parents=True)
            for place, pixels in enumerate(drawn(16)[0]):
                (tmp_path / "photos" / name / f"{place}.png").write_bytes(png(pixels))
        with closed(tmp_path / "photos/a"):
            said = called(recipe_file, "--data", tmp_path / "photos", "--out", tmp_path / "out")
        self.assert_told(said, 1, "photos/a cannot be read: Permission denied; change who may read it")

    @pytest.mark.parametrize("name", ["log.jsonl", "run.state"])
    def test_log_and_state_of_a_run_to_go_on_with(self, images, recipe_file, again, name):
        before = (again / "run.state").read_bytes()
        with closed(again / name):
            said = called(recipe_file, "--data", images, "--out", again, "--resume")
        self.assert_told(said, 1, f"{name} cannot be read")
        assert "Permission denied" in said.err
        assert (again / "run.state").read_bytes() == before
