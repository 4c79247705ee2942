"""A map for other tools: opened by those that read such files."""

import io
import re

import duckdb
import numpy as np
import polars
import pytest
from PIL import Image

from repscope.analyses._embedding_atlas import embedding_atlas
from repscope.analyses._tensorboard import tensorboard
from repscope.analyses.map import map as map_of
from repscope.errors import UnfitData, Unwritable, WrongUsage
from repscope.images import Photo
from repscope.nearest import nearest
from repscope.report import Note, Report
from repscope.store import Given

COUNT = 20


@pytest.fixture
def given() -> Given:
    x = np.random.default_rng(0).normal(size=(COUNT, 5)).astype(np.float32)
    photos = [Photo(f"p {i}\t.png", np.full((16, 16, 3), 10 * i, np.uint8)) for i in range(COUNT)]
    return Given({"a-b": x, "a b": x[:, :3]}, [None, *("xy"[i % 2] for i in range(1, COUNT))], photos=photos)


@pytest.fixture
def report(given: Given) -> Report:
    return map_of(given, method="pca", k=4)


def test_the_parquet_opens_in_duckdb_and_polars(given, report, tmp_path):
    path = embedding_atlas(report, tmp_path / "new" / "map.parquet")
    frame = polars.read_parquet(path)
    maps = report.blocks[0].maps
    assert frame["id"].to_list() == list(given.ids)
    for each, name in zip(maps, ("a_b", "a_b_2"), strict=True):  # names that would be the same are numbered
        np.testing.assert_array_equal(frame.select(f"x_{name}", f"y_{name}").to_numpy(), each.xy)
    assert frame["label"].to_list()[:3] == [None, "y", "x"]
    (row,) = duckdb.sql(f"select neighbors_a_b from '{path}' limit 1").fetchall()
    assert row[0]["ids"] == nearest(given.embedding("a-b"), 4).rows[0].tolist()
    assert row[0]["distances"] == [1, 2, 3, 4]
    assert [each.name for each in path.parent.iterdir()] == ["map.parquet"]


def test_tensorboard_finds_vectors_names_and_pictures(given, report, tmp_path):
    folder = tensorboard(given, report, tmp_path / "board")
    assert {each.name for each in folder.iterdir()} == {
        *("tensors-a_b.tsv", "tensors-a_b_2.tsv", "metadata.tsv", "sprite.png", "projector_config.pbtxt")
    }
    vectors = np.loadtxt(folder / "tensors-a_b.tsv", delimiter="\t")
    np.testing.assert_allclose(vectors, given.embedding("a-b"), rtol=1e-6)
    lines = (folder / "metadata.tsv").read_text().splitlines()
    assert lines[:3] == ["id\tlabel", "p 0 .png\t", "p 1 .png\ty"]
    assert len(lines) == COUNT + 1
    config = (folder / "projector_config.pbtxt").read_text()
    assert config.count("embeddings {") == 2
    assert config.count("{") == config.count("}")
    (side,) = {*re.findall(r"single_image_dim: (\d+)", config)}
    sheet = np.asarray(Image.open(io.BytesIO((folder / "sprite.png").read_bytes()))).astype(int)
    assert sheet.shape == (5 * int(side), 5 * int(side), 3)  # as many rows as columns
    for i in range(COUNT):
        down, across = (at * int(side) + int(side) // 2 for at in divmod(i, 5))
        assert abs(sheet[down, across].mean() - 10 * i) < 8


def test_without_labels_names_have_no_header_and_without_photos_there_is_no_sheet(given, tmp_path):
    bare = Given({"a": given.embedding("a-b")})
    folder = tensorboard(bare, map_of(bare, method="pca"), tmp_path / "board")
    assert (folder / "metadata.tsv").read_text().splitlines()[0] == "0"
    assert "sprite" not in (folder / "projector_config.pbtxt").read_text()
    assert not (folder / "sprite.png").exists()


def test_of_a_part_the_vectors_are_those_of_its_images(given, tmp_path):
    report = map_of(given, ["a-b"], method="pca", most=12, k=3)
    folder = tensorboard(given, report, tmp_path / "board")
    places = [list(given.ids).index(name) for name in report.blocks[0].ids]
    vectors = np.loadtxt(folder / "tensors-a_b.tsv", delimiter="\t")
    np.testing.assert_allclose(vectors, given.embedding("a-b")[places], rtol=1e-6)


def test_bad_places_and_other_sets_are_refused_and_leave_nothing(given, report, tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Unwritable):
            tensorboard(given, report, place)
        with pytest.raises(Unwritable):
            embedding_atlas(report, tmp_path / "file" / "below")
    other = Given({"a-b": given.embedding("a-b"), "a b": given.embedding("a b")})
    with pytest.raises(WrongUsage, match="another set"):
        tensorboard(other, report, tmp_path / "board")
    with pytest.raises(UnfitData, match="report of `map`"):
        embedding_atlas(Report("none", (Note("x"),)), tmp_path / "map.parquet")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
