"""The command from end to end: an encoder that loads, a card that tells the truth, and errors for people."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from small_run import drawn, parquet_file

import repscope
from repscope.encoders.families.lab import card_of
from repscope.lab import __main__ as command
from repscope.lab import checkpoint, knn, train
from repscope.lab.data import read
from repscope.lab.recipe import read as recipe_of


def lab(*words):
    command.main([str(word) for word in words])


@pytest.fixture(scope="module")
def made(images, recipe_file, tmp_path_factory):
    """A folder after a whole run of two epochs."""
    out = tmp_path_factory.mktemp("made")
    lab("mae", recipe_file, "--data", images, "--out", out, "--threads", 1)
    return out


class TestEncoder:
    def test_it_lies_there_with_its_card_and_in_half_precision(self, made):
        from safetensors.torch import load_file

        assert {p.name for p in made.iterdir()} == {"encoder.safetensors", "card.md", "state.pt", "log.jsonl"}
        assert {value.dtype for value in load_file(made / "encoder.safetensors").values()} == {torch.float16}

    def test_it_loads_and_says_the_tokens_of_the_run(self, made):
        photo = np.random.default_rng(0).integers(0, 256, (80, 64, 3), np.uint8)
        encoder = repscope.load(str(made / "encoder.safetensors"))
        kept = checkpoint.read_state(made / "state.pt")["objective"]
        prefix = "encoder."
        trained = {name[len(prefix) :]: value for name, value in kept.items() if name.startswith(prefix)}
        for name, value in encoder.network.state_dict().items():
            assert torch.equal(value, trained[name].half().float()), name
        from repscope.images.decode import from_array

        (tokens,) = encoder([from_array(photo, id="a", source="a")])
        assert tokens.patches.shape == (1, 16, 16, 16)
        assert encoder.contract.parameters == sum(value.numel() for value in trained.values())

    def test_it_can_be_looked_into(self, made, tmp_path):
        from PIL import Image

        for place, pixels in enumerate(drawn(3, side=64, seed=5)[0]):
            Image.fromarray(pixels).save(tmp_path / f"{place}.png")
        report = repscope.inspect([str(tmp_path)], repscope.load(str(made / "encoder.safetensors")))
        assert report.title

    def test_weights_that_half_precision_cannot_hold_are_not_written(self, recipe):
        from repscope.encoders.vit import ViT
        from repscope.errors import UnfitCheckpoint

        encoder = ViT(recipe.architecture)
        torch.nn.init.constant_(encoder.norm.weight, 1e6)
        with pytest.raises(UnfitCheckpoint, match=r"norm.weight does not fit torch.float16"):
            checkpoint.as_written(encoder)


class TestCard:
    def test_it_says_what_was_done(self, made):
        card = card_of(made / "encoder.safetensors")
        told = {name: value for name, value in card.items() if not name.startswith("knn")}
        assert told == {
            "objective": "mae",
            "recipe": "small",
            "epochs": 2,
            "presentations": 128,
            "seed": 0,
            "precision": "float32",
            "data": "stripes",
            "images": 64,
        }

    def test_its_accuracy_is_that_of_the_file(self, made, images, recipe_file):
        card, plan = card_of(made / "encoder.safetensors"), recipe_of(str(recipe_file))
        bank, queries = read(sorted(images.glob("train*")), 16), read([images / "val.parquet"], 16)
        network = repscope.load(str(made / "encoder.safetensors")).network
        votes = knn.judged(network, bank, queries, "float32")
        assert card["knn_accuracy"] == pytest.approx(votes.accuracy, abs=1e-4)
        assert (card["knn_k"], card["knn_classes"], card["knn_bank"], card["knn_queries"]) == (20, 4, 64, 16)
        assert card["knn_chance"] == 0.25
        assert card["knn_interval"][0] <= card["knn_accuracy"] <= card["knn_interval"][1]
        from repscope.lab.objectives.mae import mae

        floor = knn.judged(checkpoint.as_written(train.build(mae, plan).encoder), bank, queries, "float32")
        assert card["knn_untrained"] == pytest.approx(floor.accuracy, abs=1e-4)

    def test_what_is_measured_is_what_is_written(self, images, recipe_file, tmp_path, monkeypatch):
        measured, judged = [], knn.judged
        monkeypatch.setattr(knn, "judged", lambda encoder, *rest: measured.append(encoder) or judged(encoder, *rest))
        lab("mae", recipe_file, "--data", images, "--out", tmp_path, "--epochs", 0.25)
        written = repscope.load(str(tmp_path / "encoder.safetensors")).network.state_dict()
        assert all(torch.equal(value, written[name]) for name, value in measured[0].state_dict().items())
        assert len(measured) == 2

    def test_the_page_says_the_same(self, made):
        card, page = card_of(made / "encoder.safetensors"), (made / "card.md").read_text()
        assert page.startswith("# mae on stripes\n")
        for told in (
            "4 x 4 patches of 4 pixels",
            "| recipe | small |",
            "| epochs | 2 |",
            "| images shown | 128 |",
            "| seed | 0 |",
            "stripes, 64 images",
            f"| this encoder | {card['knn_accuracy']:.1%} (95 % interval",
            f"| the same, untrained | {card['knn_untrained']:.1%} |",
            "| chance | 25.0% |",
            "Of 16 validation images",
            "20 nearest among 64 training images of 4 classes",
            "What it is not good for",
        ):
            assert told in " ".join(page.split())
        assert "interrupted" not in page

    def test_no_path_of_this_machine_is_told(self, made, images):
        written = (made / "encoder.safetensors").read_bytes() + (made / "card.md").read_bytes()
        for path in (images.parent, made):
            assert path.name.encode() not in written
        assert all(len(line) <= 120 for line in (made / "card.md").read_text().splitlines())

    def test_without_labels_no_accuracy_is_told_and_the_page_says_why(self, recipe_file, tmp_path):
        parquet_file(tmp_path / "train.parquet", drawn(32)[0], None)
        parquet_file(tmp_path / "val.parquet", drawn(8)[0], None)
        lab("mae", recipe_file, "--data", tmp_path, "--out", tmp_path / "out", "--epochs", 0)
        assert not [name for name in card_of(tmp_path / "out/encoder.safetensors") if name.startswith("knn")]
        assert "Not measured: it wants labels" in (tmp_path / "out/card.md").read_text()

    def test_an_encoder_of_no_epochs_is_called_untrained(self, images, recipe_file, tmp_path):
        from repscope.lab.objectives.ijepa import ijepa

        lab("ijepa", recipe_file, "--data", images, "--out", tmp_path, "--epochs", 0)
        card, page = card_of(tmp_path / "encoder.safetensors"), (tmp_path / "card.md").read_text()
        assert (card["objective"], card["epochs"], card["presentations"]) == ("untrained", 0, 0)
        assert card["knn_accuracy"] == card["knn_untrained"]
        assert page.startswith("# An untrained encoder\n")
        assert "never trained" in page
        assert "ijepa" not in page
        begun = train.build(ijepa, recipe_of(str(recipe_file))).encoder.state_dict()
        for name, value in repscope.load(str(tmp_path / "encoder.safetensors")).network.state_dict().items():
            assert torch.equal(value, begun[name].half().float())


class TestResuming:
    def test_a_finished_run_writes_encoder_and_card_again(self, made, images, recipe_file, tmp_path):
        for name in ("state.pt", "log.jsonl"):
            shutil.copy(made / name, tmp_path / name)
        lab("mae", recipe_file, "--data", images, "--out", tmp_path, "--resume")
        for name in ("card.md", "state.pt", "log.jsonl"):
            assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name
        first, again = (repscope.load(str(f / "encoder.safetensors")).network.state_dict() for f in (made, tmp_path))
        assert all(torch.equal(value, again[name]) for name, value in first.items())
        assert card_of(made / "encoder.safetensors") == card_of(tmp_path / "encoder.safetensors")

    def test_a_dial_that_was_turned_is_told(self, made, images, recipe_file, tmp_path):
        for name in ("state.pt", "log.jsonl"):
            shutil.copy(made / name, tmp_path / name)
        lab("mae", recipe_file, "--data", images, "--out", tmp_path, "--resume", "--epochs", 2.5)
        card = card_of(tmp_path / "encoder.safetensors")
        assert (card["epochs"], card["presentations"], card["dial"]) == (2.5, 160, [2, 2.5])
        assert "set to 2, then 2.5 epochs" in (tmp_path / "card.md").read_text()


class TestErrors:
    @pytest.mark.parametrize(
        ("words", "code", "told"),
        [
            (["mea", "RECIPE"], 2, "No objective is called 'mea'. Did you mean mae, ijepa? Known: ijepa, mae."),
            (["mae", "tiny-imagnet"], 2, "Did you mean tiny-imagenet?"),
            (["mae", "RECIPE", "--epochs", "-1"], 2, "epochs to be 0 or more; got -1"),
            (["mae", "RECIPE", "--threads", "0"], 2, "--threads wants 1 or more; got 0"),
            (["mae", "RECIPE", "--data", "EMPTY"], 1, "wants a folder with train*.parquet"),
            (["mae", "RECIPE", "--data", "NOWHERE"], 1, "is no folder"),
            (["mae", "RECIPE", "--data", "FEW"], 1, "A batch of 16 wants as many images; the training set has 5"),
            (["mae", "RECIPE", "--out", "FILE"], 1, "cannot be made a folder"),
            (["mae", "RECIPE", "--out", "MADE"], 2, "holds a run already: add --resume"),
            (["ijepa", "RECIPE", "--out", "MADE", "--resume"], 2, "another recipe or objective"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_a_mistake_ends_with_a_line(self, words, code, told, made, images, recipe_file, tmp_path, capsys):
        few, empty, file = tmp_path / "few", tmp_path / "empty", tmp_path / "file"
        few.mkdir()
        empty.mkdir()
        file.write_text("a file")
        parquet_file(few / "train.parquet", *drawn(5))
        places = {"RECIPE": recipe_file, "EMPTY": empty, "FEW": few, "FILE": file, "MADE": made}
        words = [places.get(word, tmp_path / "nowhere" if word == "NOWHERE" else word) for word in words]
        defaults = {"--data": images, "--out": tmp_path / "out"}
        given = words + [word for pair in defaults.items() if pair[0] not in words for word in pair]
        with pytest.raises(SystemExit) as ended:
            lab(*given)
        said = capsys.readouterr().err
        assert ended.value.code == code
        assert said.startswith("repscope.lab: ")
        assert said.count("\n") == 1
        assert told in said

    def test_stopping_says_how_to_go_on(self, monkeypatch, images, recipe_file, tmp_path, capsys):
        def stopped(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(train, "train", stopped)
        with pytest.raises(SystemExit) as ended:
            lab("mae", recipe_file, "--data", images, "--out", tmp_path)
        assert ended.value.code == 130
        assert "--resume goes on" in capsys.readouterr().err

    def test_it_runs_as_a_module_and_its_help_is_light(self):
        code = """
import runpy, sys
sys.argv = ["lab", "--help"]
try:
    runpy.run_module("repscope.lab", run_name="__main__")
except SystemExit:
    print(sorted({"torch", "numpy", "PIL", "pyarrow"} & sys.modules.keys()))
"""
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert "python -m repscope.lab" in said
        assert said.endswith("[]\n")
