"""Images in a store and embeddings into one: a real server of S3, and one that fails."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from colours import Colours, contents, folder, parquet_file, tar_file
from served import KEYS, address, downloaded, served, uploaded

from repscope.errors import NoImages, Unreachable
from repscope.extract.sets.embed import embed
from repscope.images.sets import ImageSet, image_set
from repscope.images.sets.files import Files
from repscope.images.sets.place import Remote
from repscope.store import opened


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with served() as where:
        yield where


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def without_sources(files: dict[str, bytes]) -> set[str]:
    """Files whose bytes do not say where the images lie."""
    return {name for name in files if not name.startswith("shards/") and name not in ("job.json", "manifest.json")}


@pytest.mark.parametrize("kind", ["folder", "parquet", "tar"])
def test_from_a_store_into_a_store(tmp_path: Path, store: str, kind: str):
    source = tmp_path / "set"
    if kind == "folder":
        folder(source, 11)
    elif kind == "parquet":
        parquet_file(source / "a.parquet", range(11))
    else:
        tar_file(source / "a.tar", range(11))
    uploaded(store, source, f"{kind}/set")
    there = embed(address(store, f"{kind}/set"), [Colours()], address(store, f"{kind}/out"), shard=4, batch=2)
    here = embed(source, [Colours()], tmp_path / "out", shard=4, batch=2)
    assert there is not None
    assert here is not None
    assert list(there.ids) == list(here.ids)
    assert (there.embedding("colours") == here.embedding("colours")).all()
    assert (there.photo(7).pixels == here.photo(7).pixels).all()
    remote, local = downloaded(store, f"{kind}/out"), contents(tmp_path / "out")
    assert set(remote) == set(local)
    assert all(remote[name] == local[name] for name in without_sources(local))
    again = Colours()
    embed(address(store, f"{kind}/set"), [again], address(store, f"{kind}/out"), shard=4, batch=2)
    assert again.seen == 0
    assert len(opened(address(store, f"{kind}/out"))) == 11


def test_what_is_not_in_a_store_is_told(store: str, tmp_path: Path):
    with pytest.raises(NoImages, match="There is no s3://images/nowhere"):
        embed(address(store, "nowhere"), [Colours()], tmp_path / "out")


class Failing:
    """A file system whose reads fail a few times, or for ever."""

    type_name = "s3"

    def __init__(self, files, times: float):
        self.files, self.times = files, times

    def open_input_file(self, path: str):
        if path.endswith("5.png") and self.times > 0:
            self.times -= 1
            raise OSError("When reading information for key '5.png': AWS Error SLOW_DOWN: please reduce your rate.")
        return self.files.open_input_file(path)

    def __getattr__(self, name: str):
        return getattr(self.files, name)


def failing(source: str, times: float, monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """The same images, one of which cannot be had so many times."""
    monkeypatch.setattr(sys.modules["repscope.images.sets.place"], "WAITS", (0.0, 0.0, 0.0))
    images = image_set(source)
    (part,) = images.parts
    assert isinstance(part, Files)
    remote = part.files[0].place
    assert isinstance(remote, Remote)
    store = Failing(remote.files, times)
    files = [replace(file, place=replace(file.place, files=store)) for file in part.files]
    return replace(images, parts=(replace(part, files=files),))


def test_an_error_in_the_middle_is_tried_again(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch):
    uploaded(store, folder(tmp_path / "set", 9, classes=1), "slow/set")
    images = embed(failing(address(store, "slow/set"), 3, monkeypatch), [Colours()], tmp_path / "out", shard=3)
    assert images is not None
    assert len(images) == 9


def test_an_error_that_stays_is_named_and_nothing_is_lost(tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch):
    source = address(store, "dead/set")
    uploaded(store, folder(tmp_path / "set", 9, classes=1), "dead/set")
    embed(source, [Colours()], tmp_path / "whole", shard=3)
    with pytest.raises(Unreachable, match=r"a/5\.png: .*SLOW_DOWN.*tried 4 times"):
        embed(failing(source, float("inf"), monkeypatch), [Colours()], tmp_path / "out", shard=3)
    assert len(list((tmp_path / "out" / "ledger").iterdir())) == 1
    encoder = Colours()
    embed(source, [encoder], tmp_path / "out", shard=3)
    assert encoder.seen == 6
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
