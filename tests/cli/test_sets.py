"""Questions about a set as a person asks them: of images, of what was embedded, with columns of the source."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of four classes in a list with patients and parts; two are copies across the parts."""
    where = tmp_path_factory.mktemp("listed")
    chance = np.random.default_rng(0)
    with (where / "all.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label", "patient", "part", "folder"])
        for number in range(40):
            colours = chance.integers(0, 256, (2 + number % 4, 3, 3), dtype=np.uint8)
            Image.fromarray(colours).resize((32, 32)).save(where / f"{number}.png")
            rows.writerow(
                [f"{number}.png", "abcd"[number % 4], f"p{number // 8}", "train" if number < 30 else "test", "x"]
            )
    shutil.copy(where / "0.png", where / "39.png")
    return where


@pytest.fixture(scope="module")
def stored(listed: Path, run) -> Path:
    out = listed / "embedded"
    said = run("embed", listed / "all.csv", "-m", "tiny-random,tiny-mae", "-o", out, "--layers", "1,-1", "--no-cache")
    assert said.code == 0, said.err
    assert "40 of 40" in said.out
    assert "4 classes (a, b, c, d)" in said.out
    return out


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))


def test_the_study_of_two_encoders_is_one_command(run, stored: Path, tmp_path: Path):
    said = run("evaluate", stored, "--maps", "pca", "--split", "part", "--k", "1,5", "-o", tmp_path / "study")
    assert said.code == 0, said.err
    found = json.loads((tmp_path / "study" / "metrics.json").read_text())
    assert set(found) == {"tiny-random", "tiny-mae"}
    for key in (
        "embedding_dim",
        "variance_10_pcs",
        "silhouette",
        "nn_precision_at_5",
        "knn_accuracy",
        "probe_accuracy",
    ):
        assert found["tiny-mae"][key]["value"] is not None
    assert found["tiny-mae"]["nn_precision_at_5"]["ci"][0] < found["tiny-mae"]["nn_precision_at_5"]["ci"][1]
    names = {path.name for path in (tmp_path / "study").iterdir()}
    assert {"report.html", "report.json", "report.txt", "manifest.json"} <= names
    assert any(name.startswith("pca") and name.endswith(".png") for name in names)
    assert any("likeness" in name for name in names)
    assert any(name.startswith("nearest") for name in names)
    told = json.loads((tmp_path / "study" / "report.json").read_text())
    assert told["provenance"]["command"].startswith("repscope evaluate")
    assert "39.png" in said.out  # the copy across the parts


def test_columns_are_the_sources_own(run, stored: Path):
    assert run("evaluate", stored, "--maps", "none", "--group", "patient").code == 0
    grouped = run("evaluate", stored, "--maps", "none", "--group", "folder")  # a column, and all say x
    assert grouped.code == 1
    assert "All images are of one group, 'x'" in grouped.err
    wrong = run("evaluate", stored, "--group", "patients")
    assert wrong.code == 2
    assert "patient" in wrong.err
    assert "Traceback" not in wrong.err


def test_two_sets_must_be_of_one_encoder(run, listed: Path, stored: Path, tmp_path: Path):
    other = tmp_path / "square"
    assert run("embed", listed / "all.csv", "-m", "tiny-mae", "-o", other, "--frame", "square", "--no-cache").code == 0
    for words in (("duplicates", stored, "-m", "tiny-mae", "--against", other), ("evaluate", other, "--train", stored)):
        said = run(*words)
        assert said.code == 1
        assert "embedded differently by tiny-mae (framing)" in said.err
    said = run("duplicates", other, "--against", listed / "all.csv")  # images are shown as the first set's were
    assert said.code == 0, said.err
    assert "40" in said.out


def test_leaks_across_a_column_are_found(run, stored: Path):
    said = run("duplicates", stored, "--split", "part")
    assert said.code == 0, said.err
    assert "0.png" in said.out
    assert "39.png" in said.out
    assert run("duplicates", stored, "-m", "tiny-mae,tiny-random").code == 2


@pytest.mark.parametrize("photo", ["7.png", "outside"])
def test_neighbours_of_an_image_and_of_a_photo(run, listed: Path, stored: Path, tmp_path: Path, photo: str):
    if photo == "outside":
        Image.open(listed / "7.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "outside.png")
        photo = str(tmp_path / "outside.png")
    said = run("neighbors", stored, photo, "--k", 3)
    assert said.code == 0, said.err
    assert "Nearest under tiny-mae" in said.out
    wrong = run("neighbors", stored, "nobody.png")
    assert wrong.code == 2
    assert "nobody.png" in wrong.err


def test_all_layers_against_all(run, stored: Path, listed: Path):
    said = run("similarity", stored, "--layers")
    assert said.code == 0, said.err
    assert "layer" in said.out.lower()
    asked = run("similarity", listed / "all.csv", "-m", "tiny-random,tiny-mae", "--layers")
    assert asked.code == 0, asked.err


def test_a_profile_and_a_map_with_its_exports(run, stored: Path, tmp_path: Path):
    assert "Position" in run("profile", stored).out
    words = ("--atlas", tmp_path / "atlas.parquet", "--tensorboard", tmp_path / "board", "-o", tmp_path / "map")
    said = run("map", stored, "--method", "pca", "--k", 4, *words)
    assert said.code == 0, said.err
    from pyarrow import parquet

    assert parquet.read_table(tmp_path / "atlas.parquet").num_rows == 40
    assert (tmp_path / "board" / "projector_config.pbtxt").is_file()


def test_a_set_of_images_wants_encoders_and_what_is_embedded_keeps_its_ways(run, listed: Path, stored: Path):
    without = run("profile", listed / "all.csv")
    assert without.code == 2
    assert "name the encoders" in without.err
    said = run("profile", stored, "--frame", "square")
    assert said.code == 2
    assert "were chosen when the set was embedded" in said.err
    unknown = run("profile", stored, "-m", "tiny-dino")
    assert unknown.code == 2
    assert "tiny-mae" in unknown.err
    assert run("profile", stored, "--layer", 3).code == 2


def test_an_embedded_set_is_not_written_over(run, stored: Path):
    said = run("profile", stored, "-o", stored, "--force")
    assert said.code == 1
    assert "holds images embedded" in said.err
    assert run("profile", stored).code == 0


def test_jobs_and_their_merge(run, listed: Path, tmp_path: Path):
    out = tmp_path / "jobs"
    words = ("embed", listed / "all.csv", "-m", "tiny-random", "-o", out, "--shard-size", 8, "--no-cache")
    for share in ("1/2", "2/2"):
        said = run(*words, "--shard", share)
        assert said.code == 0, said.err
        assert "repscope merge" in said.err
    assert "not finished" in run("profile", out).err
    assert "40 of 40" in run("merge", out).out
    assert "40 of 40" in run(*words, "--verify").out
    assert run(*words, "--layers", "no").code == 2
