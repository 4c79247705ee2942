"""The card: it tells the truth of what was done, to machines and to people."""

import pytest
import torch
from command_run import card, done, weights
from small_run import drawn, parquet_file

import repscope
from repscope.lab import build, checkpoint, data, knn
from repscope.lab.objectives.mae import mae
from repscope.lab.recipe import read as recipe_of


class TestCard:
    def test_it_says_what_was_done(self, made, recipe_file):
        assert {name: value for name, value in card(made).items() if not name.startswith("knn")} == {
            "objective": "mae",
            "recipe": "small",
            "epochs": 2,
            "presentations": 128,
            "views": [16],
            "seed": 0,
            "precision": build.precision_of(recipe_of(str(recipe_file)), torch.device("cpu")),
            "optimiser": "muon",
            "data": "stripes",
            "images": 64,
            "labels": "unused",
        }

    def test_its_accuracy_is_that_of_the_file(self, made, images, recipe_file):
        told, plan = card(made), recipe_of(str(recipe_file))
        splits = data.found(images)
        assert splits.validation is not None
        bank, queries = data.read(splits.train, 16), data.read(splits.validation, 16)
        network = repscope.load(str(made)).network  # type: ignore[attr-defined]
        votes = knn.judged(network, bank, queries, told["precision"])
        assert told["knn_accuracy"] == pytest.approx(votes.accuracy, abs=1e-4)
        assert (told["knn_k"], told["knn_classes"], told["knn_bank"], told["knn_queries"]) == (20, 4, 64, 16)
        assert told["knn_chance"] == 0.25
        assert told["knn_interval"][0] <= told["knn_accuracy"] <= told["knn_interval"][1]
        begun = build.build(mae, plan, build.setting_of(plan, 64, 4)).encoder
        floor = knn.judged(checkpoint.as_written(begun), bank, queries, told["precision"])
        assert told["knn_untrained"] == pytest.approx(floor.accuracy, abs=1e-4)

    @pytest.mark.usefixtures("unwatched")
    def test_what_is_measured_is_what_is_written(self, images, recipe_file, tmp_path, monkeypatch):
        measured, judged = [], knn.judged
        monkeypatch.setattr(knn, "judged", lambda encoder, *rest: measured.append(encoder) or judged(encoder, *rest))
        said = done(recipe_file, "--data", images, "--out", tmp_path, "--epochs", 0.25)
        written = weights(tmp_path)
        assert all(torch.equal(value, written[name]) for name, value in measured[0].state_dict().items())
        assert len(measured) == 2
        assert f"k-NN accuracy {card(tmp_path)['knn_accuracy']:.1%} (95 % interval" in said.out

    def test_the_page_says_the_same(self, made):
        told, page = card(made), (made / "card.md").read_text()
        assert page.startswith("# mae on stripes\n")
        for line in (
            "4 x 4 patches of 4 pixels",
            "| recipe | small |",
            "| epochs | 2 |",
            "| images shown | 128, each as 1 view of 16 pixels |",
            "| seed | 0 |",
            f"| precision | {told['precision']} products",
            "| optimiser | muon |",
            "| data | stripes, 64 images, without their labels |",
            f"| this encoder | {told['knn_accuracy']:.1%} (95 % interval",
            f"| the same, untrained | {told['knn_untrained']:.1%} |",
            "| chance | 25.0% |",
            "Of 16 validation images",
            "20 nearest among 64 training images of 4 classes",
            "What it is not good for",
        ):
            assert line in " ".join(page.split())
        assert "interrupted" not in page
        assert "teacher" not in page

    def test_no_path_of_this_machine_is_told(self, made, images):
        written = (made / "encoder.safetensors").read_bytes() + (made / "card.md").read_bytes()
        for path in (images.parent, made.parent):
            assert path.name.encode() not in written
        assert all(len(line) <= 120 for line in (made / "card.md").read_text().splitlines())

    @pytest.mark.parametrize("labels", [None, [1] * 32])
    def test_without_labels_of_several_classes_no_accuracy_is_told(self, labels, recipe_file, tmp_path):
        parquet_file(tmp_path / "train.parquet", drawn(32)[0], labels)
        parquet_file(tmp_path / "val.parquet", drawn(8)[0], labels and labels[:8])
        said = done(recipe_file, "--data", tmp_path, "--out", tmp_path / "out", "--epochs", 0)
        assert not [name for name in card(tmp_path / "out") if name.startswith("knn")]
        assert "Not measured: it wants labels" in (tmp_path / "out/card.md").read_text()
        assert ("train: 32 images, without labels" in said.err) == (labels is None)

    def test_an_encoder_of_no_epochs_is_called_untrained(self, images, recipe_file, tmp_path):
        done(recipe_file, "--objective", "ijepa", "--data", images, "--out", tmp_path, "--epochs", 0)
        told, page = card(tmp_path), (tmp_path / "card.md").read_text()
        assert (told["objective"], told["epochs"], told["presentations"]) == ("untrained", 0, 0)
        assert not told.keys() & {"views", "labels", "optimiser", "teachers"}
        assert told["knn_accuracy"] == told["knn_untrained"]
        assert page.startswith("# An untrained encoder\n")
        assert "never trained" in page
        assert "ijepa" not in page
        plan = recipe_of(str(recipe_file))
        begun = build.build(mae, plan, build.setting_of(plan, 64, 4)).encoder.state_dict()
        assert all(torch.equal(value, begun[name].half().float()) for name, value in weights(tmp_path).items())

    @pytest.mark.usefixtures("unwatched")
    def test_labels_and_teachers_are_told_along_the_line(self, made, images, recipe_file, tmp_path):
        words = (recipe_file, "--data", images, "--epochs", 0.25, "--objective")
        done(*words, "supervised", "--out", tmp_path / "named")
        done(*words, "distill", "--teacher", made, "--out", tmp_path / "unnamed-student")
        both = ("--teacher", made / "encoder.safetensors", "--teacher", tmp_path / "named")
        done(*words, "distill", *both, "--out", tmp_path / "student")
        done(*words, "distill", "--teacher", tmp_path / "student", "--out", tmp_path / "grandchild")
        told = {name: card(tmp_path / name) for name in ("named", "unnamed-student", "student", "grandchild")}
        labels = {name: each["labels"] for name, each in told.items()}
        assert labels == {
            "named": "used",
            "unnamed-student": "unused",
            "student": "used by a teacher",
            "grandchild": "used by a teacher",
        }
        assert [each.get("teachers") for each in told.values()] == [None, ["run"], ["run", "named"], ["student"]]
        page = (tmp_path / "student/card.md").read_text()
        assert "| teachers | run, named |" in page
        assert "with labels, through a teacher that was trained on some" in page
        assert "64 images, with their labels" in (tmp_path / "named/card.md").read_text()
