"""What was embedded opens anywhere, in order, without being read whole."""

from pathlib import Path

import numpy as np
import pytest
from colours import Colours, folder

from repscope.errors import UnfitData, UnknownName
from repscope.extract.sets.embed import embed
from repscope.store import Stored, opened


@pytest.fixture(scope="module", params=["float32", "float16"])
def images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    where = tmp_path_factory.mktemp("stored")
    encoders = [Colours(), Colours("b", cls=False, factor=2)]
    made = embed(folder(where / "set", 23), encoders, where / "out", shard=5, store=request.param, cache=False)
    assert made is not None
    return made


def test_arrays_are_mapped_and_stay(images: Stored):
    vectors = images.embedding("colours")
    assert isinstance(vectors, np.memmap)
    assert not vectors.flags.writeable
    assert vectors.shape == (23, 6)
    again = opened(images.folder).embedding("colours")
    np.testing.assert_array_equal(vectors, again)
    assert images.pools("colours") == ("cls", "mean")
    assert images.pools("b") == ("mean",)


def test_duckdb_polars_pandas_and_datasets_open_the_shards(images: Stored, tmp_path: Path):
    import datasets
    import duckdb
    import pandas
    import polars

    files = f"{images.folder}/shards/*.parquet"
    vectors = images.embedding("b").astype(np.float32)
    rows = duckdb.sql(f"""select id, "b/mean"[1], label from '{files}' order by "index" """).fetchall()
    assert [row[0] for row in rows] == list(images.ids)
    np.testing.assert_allclose([row[1] for row in rows], vectors[:, 0], rtol=1e-6)
    near = duckdb.sql(f"""select count(*) from '{files}' where label = 'a'""").fetchall()
    assert near == [(8,)]
    frame = polars.read_parquet(files)
    assert frame["id"].to_list() == list(images.ids)
    np.testing.assert_allclose(np.stack(frame["b/mean"].to_list()), vectors, rtol=1e-6)
    assert images.to_polars(["id", "label"]).shape == (23, 2)
    table = images.to_pandas(["id", "b/mean"])
    assert isinstance(table, pandas.DataFrame)
    np.testing.assert_allclose(np.stack(list(table["b/mean"])).astype(np.float32), vectors, rtol=1e-6)
    datasets.disable_progress_bars()
    loaded = datasets.Dataset.from_parquet(
        sorted(map(str, (images.folder.path / "shards").iterdir())), cache_dir=str(tmp_path)
    )
    assert loaded["id"][:] == list(images.ids)
    assert len(loaded[0]["b/mean"]) == 6


def test_batches_are_all_rows_in_order(images: Stored):
    parts = list(images.batches(3, ["id", "colours/cls", "colours/token_norm"]))
    assert [name for part in parts for name in part["id"]] == list(images.ids)
    vectors = np.concatenate([part["colours/cls"] for part in parts])
    np.testing.assert_array_equal(vectors, images.embedding("colours", "cls"))
    assert max(len(part["id"]) for part in parts) == 3


def test_a_choice_of_encoders_and_what_is_unknown(images: Stored):
    assert opened(images.folder, ["b"]).encoders == ("b",)
    with pytest.raises(UnknownName, match="colours"):
        opened(images.folder, ["colour"])
    for ask in (
        lambda: images.embedding("nobody"),
        lambda: images.embedding("b", "cls"),
        lambda: images.embedding("b", layer=3),
        lambda: images.column("nothing"),
        lambda: images.moments("b", "cls"),
        lambda: images.patches("b"),
    ):
        with pytest.raises(UnknownName):
            ask()


def test_what_is_not_whole_is_not_opened(images: Stored, tmp_path: Path):
    with pytest.raises(UnfitData, match="There is no folder"):
        opened(tmp_path / "nowhere")
    with pytest.raises(UnfitData, match="not made by"):
        opened(tmp_path)
    embed(folder(tmp_path / "set", 4), [Colours()], tmp_path / "half", shard=2, share="1/2")
    with pytest.raises(UnfitData, match="not finished: 1 shards are done"):
        opened(tmp_path / "half")


def test_a_damaged_shard_is_told(tmp_path: Path):
    made = embed(folder(tmp_path / "set", 4), [Colours()], tmp_path / "out", shard=2)
    assert made is not None
    shard = tmp_path / "out" / "shards" / "000001.parquet"
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(UnfitData, match="cannot be read"):
        made.embedding("colours")


@pytest.mark.parametrize("name", ["job.json", "manifest.json", "accumulators.safetensors"])
def test_garbage_in_place_of_a_file_ends_in_words(tmp_path: Path, name: str):
    embed(folder(tmp_path / "set", 3), [Colours()], tmp_path / "out")
    for data in (b"", b"[]", b"\xff\x00", b"{" * 5000, b'{"schema": 3}'):
        (tmp_path / "out" / name).write_bytes(data)
        with pytest.raises(UnfitData):
            opened(tmp_path / "out").moments("colours")
