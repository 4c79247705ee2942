"""What an encoder has said of the same bytes is not asked again, and is the same."""

from pathlib import Path

import numpy as np
import pytest
from colours import Colours, contents, folder, parquet_file, png

from repscope.extract.sets.embed import embed
from repscope.store.cache import Cache


def test_another_folder_wants_no_second_look(tmp_path: Path, cache: Path):
    source, one, two = folder(tmp_path / "set", 20), Colours(), Colours()
    (source / "a" / "3.png").write_bytes(b"no image")
    embed(source, [one], tmp_path / "first", shard=6, batch=4)
    assert one.seen == 19
    source.rename(tmp_path / "moved")
    embed(tmp_path / "moved", [two], tmp_path / "second", shard=6, batch=4)
    assert two.seen == 0
    fresh = Colours()
    embed(tmp_path / "moved", [fresh], tmp_path / "third", shard=6, batch=4, cache=False)
    assert fresh.seen == 19
    second, third = contents(tmp_path / "second"), contents(tmp_path / "third")
    assert second == third
    assert cache.is_dir()


def test_only_what_is_new_is_looked_at(tmp_path: Path, cache: Path):
    source = folder(tmp_path / "set", 24, classes=1)
    embed(source, [Colours()], tmp_path / "first", shard=6, keep=["mean", "moments"])
    (source / "a" / "7.png").write_bytes(png(777))
    again, other = Colours(), Colours("other", factor=2)
    images = embed(source, [again, other], tmp_path / "second", shard=6, keep=["mean", "moments"])
    assert (again.seen, other.seen) == (6, 24)
    assert images is not None
    np.testing.assert_allclose(images.embedding("other"), 2 * images.embedding("colours"), rtol=1e-6)
    assert images.cross("colours", "other").n == 24


def test_bytes_count_and_not_names(tmp_path: Path, cache: Path):
    embed(folder(tmp_path / "set", 9, classes=1), [Colours()], tmp_path / "first", keep=["mean"])
    encoder, seeds = Colours(), [0, 1, 2, 3, 4, 5, 6, 7, 8]
    embed(parquet_file(tmp_path / "x.parquet", seeds), [encoder], tmp_path / "second", keep=["mean"])
    assert encoder.seen == 0


@pytest.mark.parametrize("options", [{"framing": "square"}, {"batch": 3}, {"layers": [0]}, {"readings": ["rankme"]}])
def test_what_is_asked_otherwise_is_another_thing(tmp_path: Path, cache: Path, options):
    source = folder(tmp_path / "set", 6)
    embed(source, [Colours()], tmp_path / "first")
    encoder, weights = Colours(), Colours(factor=2)
    embed(source, [encoder], tmp_path / "second", **options)
    embed(source, [weights], tmp_path / "third")
    assert (encoder.seen, weights.seen) == (6, 6)


@pytest.mark.parametrize(
    "options",
    [
        {"keep": ["mean"]},
        {"keep": ["cls", "sample"]},
        {"layers": [0]},
        {"layers": [-1, 0]},
        {"readings": ["token_norm"]},
    ],
)
def test_less_than_was_asked_is_known(tmp_path: Path, cache: Path, options):
    source = folder(tmp_path / "set", 11)
    embed(source, [Colours(), Colours("b", factor=2)], tmp_path / "first", layers=[0, 2, -1], shard=4)
    encoder, fresh = Colours("b", factor=2), Colours("b", factor=2)
    embed(source, [encoder], tmp_path / "second", shard=4, **{"layers": [-1], **options})
    embed(source, [fresh], tmp_path / "third", shard=4, cache=False, **{"layers": [-1], **options})
    sampled = options.get("layers") == [0]  # of a run that kept the output, the sample is of the output
    assert encoder.seen == (11 if sampled else 0)
    assert contents(tmp_path / "second") == contents(tmp_path / "third")


def test_layers_that_come_one_by_one_are_known_together(tmp_path: Path, cache: Path):
    source, encoder = folder(tmp_path / "set", 6), Colours()
    for number, layer in enumerate([0, 1]):
        embed(source, [encoder], tmp_path / str(number), layers=[layer], keep=["cls", "readings"])
    assert encoder.seen == 12
    embed(source, [encoder], tmp_path / "both", layers=[0, 1], keep=["cls", "readings"])
    assert encoder.seen == 12


def test_a_damaged_cache_is_no_answer(tmp_path: Path, cache: Path):
    source = folder(tmp_path / "set", 6)
    embed(source, [Colours()], tmp_path / "first")
    for path in cache.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-3])
    encoder = Colours()
    embed(source, [encoder], tmp_path / "second")
    assert encoder.seen == 6
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_the_oldest_goes_when_there_is_no_room(tmp_path: Path):
    import os

    cache = Cache(tmp_path / "cache", room=3000)
    for number in range(3):
        cache.put("me", str(number), {"x": np.zeros(200, np.float32)})
        os.utime(tmp_path / "cache" / "me" / f"{number}.safetensors", (number, number))
    assert cache.get("me", "0") is not None  # and so it is not the oldest any more
    cache.put("me", "3", {"x": np.zeros(200, np.float32)})
    assert [cache.get("me", str(number)) is not None for number in range(4)] == [True, False, True, True]
    cache.put("me", "large", {"x": np.zeros(4000, np.float32)})
    assert cache.get("me", "large") is None
    assert Cache(None).get("me", "0") is None
