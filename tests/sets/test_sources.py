"""Sources: the same pictures from any of them, listed without being read, in an order that is theirs."""

import os
from pathlib import Path

import pytest
from colours import folder, list_file, parquet_file, png, tar_file
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.errors import NoImages, RepscopeError, UnfitData, WrongUsage
from repscope.extract.sets.plan import Share, shards
from repscope.images.sets import image_set


def items(source, start=0, stop=None):
    found = [item for part in source.parts for item in part.items(0, len(part))]
    return found[start:stop]


def test_a_folder_has_classes_and_a_natural_order(tmp_path: Path):
    images = image_set(folder(tmp_path / "set", 12))
    assert [item.id for item in items(images)][:4] == ["a/0.png", "a/3.png", "a/6.png", "a/9.png"]
    assert [item.label for item in items(images)] == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    assert items(images)[5].data == png(4)
    assert len(images) == 12
    assert images.name == "set"


def test_what_is_no_image_is_not_listed(tmp_path: Path):
    place = folder(tmp_path, 3)
    (place / "notes.txt").write_text("no")
    (place / ".hidden").mkdir()
    (place / ".hidden" / "x.png").write_bytes(png(0))
    (place / "report").mkdir()
    for name in ("report.json", "manifest.json", "pca.png"):
        (place / "report" / name).write_bytes(b"{}")
    (place / "root.png").write_bytes(png(7))
    found = items(image_set(place))
    assert [item.id for item in found] == ["a/0.png", "b/1.png", "c/2.png", "root.png"]
    assert found[-1].label is None


def test_a_link_that_leads_back_ends(tmp_path: Path):
    place = folder(tmp_path, 2)
    (place / "a" / "again").symlink_to(place)
    assert {item.id for item in items(image_set(place))} >= {"a/0.png", "b/1.png"}


def test_a_pipe_is_told_and_not_read(tmp_path: Path):
    place = folder(tmp_path, 1)
    os.mkfifo(place / "a" / "pipe.png")
    last = items(image_set(place))[-1]
    assert last.data is None
    assert "pipe or a device" in last.reason


def test_parquet_has_names_of_classes_and_further_columns(tmp_path: Path):
    patients = [f"p{seed // 5}" for seed in range(25)]
    images = image_set(parquet_file(tmp_path / "x.parquet", range(25), ["ape", "bee", "cat"], patient=patients))
    found = items(images)
    assert [found[k].label for k in (0, 1, 2, 3)] == ["ape", "bee", "cat", "ape"]
    assert found[24].id == "x.parquet#24"
    assert found[24].data == png(24)
    assert images.columns == ("patient",)
    assert found[24].columns == {"patient": "p4"}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 24), st.integers(1, 25)), min_size=1, max_size=5), st.sampled_from([3, 10, 100])
)
def test_parquet_can_be_read_from_anywhere(tmp_path_factory: pytest.TempPathFactory, cuts, group: int):
    where = tmp_path_factory.getbasetemp() / f"cuts-{group}.parquet"
    if not where.exists():
        parquet_file(where, range(25), group=group)
    (part,) = image_set(where).parts
    for start, length in cuts:
        stop = min(start + length, 25)
        assert [item.data for item in part.items(start, stop)] == [png(seed) for seed in range(start, stop)]


def test_several_files_are_one_set_in_natural_order(tmp_path: Path):
    for number, seeds in ((10, [4]), (2, [1, 2, 3]), (1, [0])):
        parquet_file(tmp_path / f"part-{number}.parquet", seeds)
    images = image_set(tmp_path)
    assert [item.data for item in items(images)] == [png(seed) for seed in range(5)]
    assert images.item(3).data == png(3)
    assert images.item(4).id == "part-10.parquet#0"


@pytest.mark.parametrize("described", [False, True])
def test_tar_archives_have_labels_beside_images(tmp_path: Path, described: bool):
    tar_file(tmp_path / "shard-0.tar", range(4), described)
    tar_file(tmp_path / "shard-1.tar", range(4, 9), described)
    found = items(image_set(tmp_path))
    assert [item.data for item in found] == [png(seed) for seed in range(9)]
    assert [item.label for item in found] == [str(seed % 3) for seed in range(9)]
    assert found[5].id == "shard-1.tar/0005"


def test_a_list_may_name_labels_and_groups(tmp_path: Path):
    folder(tmp_path, 6)
    rows = [{"path": f"{'abc'[k % 3]}/{k}.png", "label": "abc"[k % 3], "patient": f"p{k // 2}"} for k in (5, 1, 3)]
    images = image_set(list_file(tmp_path / "some.csv", rows))
    found = items(images)
    assert [item.data for item in found] == [png(5), png(1), png(3)]
    assert [item.columns["patient"] for item in found] == ["p2", "p0", "p1"]
    (tmp_path / "some.txt").write_text("# mine\na/0.png\n\nb/1.png\n")
    assert [item.data for item in items(image_set(tmp_path / "some.txt"))] == [png(0), png(1)]


def test_paths_are_a_set_too(tmp_path: Path):
    folder(tmp_path, 3)
    images = image_set([tmp_path / "b" / "1.png", tmp_path / "a" / "0.png"])
    assert [item.data for item in items(images)] == [png(1), png(0)]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda at: at / "nowhere", NoImages, "There is no"),
        (lambda at: at, NoImages, "no image in"),
        (lambda at: _written(at / "x.doc", png(0)), UnfitData, "no source of images"),
        (lambda at: _written(at / "x.parquet", b"PAR1 no"), UnfitData, "cannot be read as Parquet"),
        (lambda at: _written(at / "x.tar", b"\x00\x01" * 700), UnfitData, "cannot be read as a tar"),
        (lambda at: _written(at / "x.csv", b"name,label\na,b\n"), UnfitData, "columns name, label"),
        (lambda at: _written(at / "x.csv", b"id,path\n1,a\n1,b\n"), UnfitData, "ids must differ"),
        (lambda at: _written(at / "x.txt", b"\xff\xfe\x00"), UnfitData, "no text in UTF-8"),
        (lambda at: "", WrongUsage, "path is empty"),
        (lambda at: "ftp://somewhere/x", WrongUsage, "no address that can be read"),
    ],
)
def test_what_is_no_source_is_told(tmp_path: Path, make, error, words: str):
    with pytest.raises(error, match=words):
        image_set(make(tmp_path))


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=3000), suffix=st.sampled_from(["parquet", "tar", "csv", "txt"]), at=st.integers(0, 2000))
def test_garbage_ends_in_words(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str, at: int):
    where = tmp_path_factory.mktemp("garbage") / f"x.{suffix}"
    good = where.with_stem("good")
    if suffix == "parquet":
        good = parquet_file(good, range(3))
    elif suffix == "tar":
        good = tar_file(good, range(3))
    whole = good.read_bytes() if good.exists() else b"path,label\na.png,b\n"
    where.write_bytes(whole[:at] + data + whole[at + len(data) :])
    try:
        found = items(image_set(where))
    except RepscopeError as error:
        found = []
        told = str(error)
    else:
        told = "read all the same"
    assert len(told) > 10
    assert all(item.data is None or isinstance(item.data, bytes) for item in found)


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=5), size=st.integers(1, 17), jobs=st.integers(1, 6))
def test_every_image_is_in_one_shard_and_every_shard_in_one_job(counts: list[int], size: int, jobs: int):
    class Some(list):
        pass

    images = type("Set", (), {"parts": [Some(range(count)) for count in counts]})()
    cut = list(shards(images, size))
    assert [shard.number for shard in cut] == list(range(len(cut)))
    assert all(1 <= len(shard) <= size for shard in cut)
    places = [shard.before + k for shard in cut for k in range(shard.start, shard.stop)]
    assert places == list(range(sum(counts)))
    done = [shard for i in range(1, jobs + 1) for shard in cut if Share(i, jobs).has(shard)]
    assert sorted(shard.number for shard in done) == list(range(len(cut)))


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "a/b", "1/2/3", "-1/2"])
def test_a_share_is_i_of_n(text: str):
    with pytest.raises(WrongUsage, match="i/n"):
        Share.read(text)


def test_digests_tell_other_names_sizes_and_labels(tmp_path: Path):
    first = image_set(folder(tmp_path / "one", 4)).parts[0].digest
    assert first == image_set(folder(tmp_path / "two", 4)).parts[0].digest
    (tmp_path / "two" / "a" / "0.png").write_bytes(b"shorter")
    assert first != image_set(tmp_path / "two").parts[0].digest
    (tmp_path / "one" / "b" / "1.png").rename(tmp_path / "one" / "a" / "1.png")
    assert first != image_set(tmp_path / "one").parts[0].digest
