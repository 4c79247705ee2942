"""What a stranger, another run or an accident may lay into a folder: nothing outside of it is touched or believed."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from colours import Colours, contents, folder, parquet_file, png, tar_file

from repscope.errors import UnfitData, Unwritable, WrongUsage
from repscope.extract.sets.embed import embed, merge
from repscope.images.sets import image_set
from repscope.store import opened


@pytest.mark.parametrize("key", ["shard", "file"])
def test_a_manifest_names_nothing_outside_of_its_folder(tmp_path: Path, key: str):
    embed(folder(tmp_path / "set", 4), [Colours()], tmp_path / "theirs")
    path = tmp_path / "theirs" / "manifest.json"
    said = json.loads(path.read_text())
    said["shards"][0][key] = "../../home/000000" if key == "shard" else "../home/keys"
    path.write_text(json.dumps(said))
    for ask in (lambda: opened(tmp_path / "theirs"), lambda: merge([tmp_path / "theirs"], tmp_path / "mine")):
        with pytest.raises(UnfitData, match="names no shard of this folder"):
            ask()
    assert not (tmp_path / "home").exists()


def test_links_are_not_cleared(tmp_path: Path):
    source = folder(tmp_path / "set", 4)
    embed(source, [Colours()], tmp_path / "out")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "000000.safetensors").write_text("thesis")
    (tmp_path / "out" / "states").symlink_to(tmp_path / "precious")
    embed(source, [Colours()], tmp_path / "out")
    assert contents(tmp_path / "precious") == {"000000.safetensors": b"thesis"}


def test_arrays_are_of_the_shards_that_are_there(tmp_path: Path):
    import shutil

    from PIL import Image

    def drawn(seed: int) -> None:
        for number in range(6):
            colours = np.random.default_rng([seed, number]).integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(colours).save(tmp_path / "set" / f"{number}.bmp")

    (tmp_path / "set").mkdir()
    drawn(0)
    first = embed(tmp_path / "set", [Colours()], tmp_path / "out")
    assert first is not None
    before = np.array(first.embedding("colours"))
    for path in (tmp_path / "out").iterdir():
        if path.name != ".arrays":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    drawn(1)
    second = embed(tmp_path / "set", [Colours()], tmp_path / "out")
    assert second is not None
    assert not np.allclose(before, second.embedding("colours"))
    np.testing.assert_array_equal(second.table(["colours/cls"]).column(0).to_pylist(), second.embedding("colours"))


def test_arrays_among_temporary_files_are_believed_only_where_they_are_ours(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "theirs").mkdir(mode=0o777)
    (tmp_path / "temporary" / f"repscope-{os.getuid()}").symlink_to(tmp_path / "theirs")
    made = embed(folder(tmp_path / "set", 4), [Colours()], tmp_path / "out")
    assert made is not None
    (tmp_path / "out" / ".arrays").write_text("no folder")
    with pytest.raises(Unwritable, match="make room"):
        made.embedding("colours")
    assert not list((tmp_path / "theirs").iterdir())


def test_a_ledger_of_another_job_is_refused(tmp_path: Path):
    source = folder(tmp_path / "set", 6)
    embed(source, [Colours()], tmp_path / "one", shard=2, share="1/2")
    embed(source, [Colours(factor=2)], tmp_path / "two", shard=2, share="1/2")
    (tmp_path / "two" / "ledger" / "000000.json").replace(tmp_path / "one" / "ledger" / "000000.json")
    with pytest.raises(Unwritable, match="of another job"):
        embed(source, [Colours()], tmp_path / "one", shard=2)


@pytest.mark.parametrize("damage", ["header", "cut"])
def test_a_damaged_archive_is_no_shorter_one(tmp_path: Path, damage: str):
    path = tar_file(tmp_path / "x.tar", range(12))
    data = bytearray(path.read_bytes())
    headers = [at for at in range(0, len(data), 512) if data[at + 257 : at + 262] == b"ustar"]
    if damage == "header":
        data[headers[9]] ^= 1
    else:
        data = data[: headers[9] + 200]
    path.write_bytes(data)
    with pytest.raises(UnfitData, match="cannot be read as a tar"):
        image_set(path)


def test_every_image_of_a_key_is_an_image(tmp_path: Path):
    import io
    import tarfile

    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for number, name in enumerate(["a/1.left.png", "a/1.right.png", "a/1.cls", "2.png", "2.png"]):
            data = b"7" if name.endswith("cls") else png(number)
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    (part,) = image_set(tmp_path / "x.tar").parts
    found = list(part.items(0, len(part)))
    assert [item.data for item in found] == [png(0), png(1), png(3), png(4)]
    assert [item.label for item in found] == ["7", "7", None, None]
    assert len({item.id for item in found}) == 4


def test_a_folder_of_several_kinds_is_told(tmp_path: Path):
    tar_file(folder(tmp_path, 3) / "x.tar", range(3))
    with pytest.raises(UnfitData, match="several kinds"):
        image_set(tmp_path)


def test_what_was_embedded_into_the_source_is_no_source(tmp_path: Path):
    source = folder(tmp_path / "set", 5)
    for _ in range(2):
        made = embed(source, [Colours()], source / "embedded")
        assert made is not None
        assert len(made) == 5


def test_labels_that_changed_are_told(tmp_path: Path):
    file = parquet_file(tmp_path / "x.parquet", range(6), ["aa", "bb", "cc"])
    embed(file, [Colours()], tmp_path / "out", shard=2, share="1/2")
    parquet_file(file, range(6), ["xx", "yy", "zz"])
    with pytest.raises(Unwritable, match="other names, sizes or labels"):
        embed(file, [Colours()], tmp_path / "out", shard=2)


def test_many_files_are_not_open_at_once_and_are_read_through_once(tmp_path: Path, monkeypatch):
    from repscope.images.sets.parquet import Parquet

    for number in range(30):
        parquet_file(tmp_path / "set" / f"{number}.parquet", range(3 * number, 3 * number + 3))
    parquet_file(tmp_path / "long.parquet", range(40), group=100)
    begun, rows = [], Parquet._rows
    monkeypatch.setattr(Parquet, "_rows", lambda self, start: begun.append(start) or rows(self, start))
    before = len(list(Path("/proc/self/fd").iterdir()))
    made = embed(tmp_path / "set", [Colours()], tmp_path / "out", threads=1)
    assert made is not None
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 4
    begun.clear()
    embed(tmp_path / "long.parquet", [Colours()], tmp_path / "long", shard=3, threads=1)
    assert begun == [0, 0]  # once for the bytes, which the cache is asked about, and once for the pixels


def test_names_that_are_no_text_are_written_out(tmp_path: Path):
    source = folder(tmp_path / "set", 2)
    name = os.fsdecode(b"\xff\xfe.png")
    (source / "a" / name).write_bytes(png(5))
    made = embed(source, [Colours()], tmp_path / "out")
    assert made is not None
    assert len(made) == 3
    assert any("udcff" in each for each in made.ids)


def test_a_pipe_in_a_list_does_not_hang(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "good.png").write_bytes(png(1))
    (tmp_path / "list.txt").write_text("pipe.png\ngood.png\n/dev/zero\n")
    made = embed(tmp_path / "list.txt", [Colours()], tmp_path / "out")
    assert made is not None
    assert [each["reason"] for each in made.files.failures()] == ["it cannot be read (it is a pipe or a device)."] * 2


def test_bad_links_are_failures_and_circles_end(tmp_path: Path):
    source = folder(tmp_path / "set", 2)
    (source / "gone.png").symlink_to(tmp_path / "nowhere")
    (source / "loop").symlink_to("loop")
    for one in range(8):
        (source / f"d{one}").mkdir()
        for other in range(8):
            (source / f"d{one}" / f"to{other}").symlink_to(source / f"d{other}")
    made = embed(source, [Colours()], tmp_path / "out")
    assert made is not None
    assert len(made) == 2
    assert [each["id"] for each in made.files.failures()] == ["gone.png"]


def test_keys_in_an_address_are_not_written_into_files(tmp_path: Path):
    with pytest.raises(WrongUsage, match="give keys in the environment"):
        embed("s3://someone:SECRET@images/set", [Colours()], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", [None, 3, [None], [b"x"]])
def test_what_is_no_source_at_all(tmp_path: Path, given):
    with pytest.raises(WrongUsage, match="A source is"):
        embed(given, [Colours()], tmp_path / "out")


def test_the_same_job_from_another_place_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder(tmp_path / "set", 5)
    embed(tmp_path / "set", [Colours()], tmp_path / "one")
    monkeypatch.chdir(tmp_path)
    embed("set", [Colours()], "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
