"""Places: a cache stays within its room, and what killed writers left goes when it is old."""

import os
import time

import pytest

from repscope import places


def kept(folder, name, size, age):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\0" * size)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_what_was_used_longest_ago_goes_first(tmp_path):
    old, older, new = (kept(tmp_path, f"{k}/w.safetensors", 10, age) for k, age in enumerate((500, 900, 1)))
    places.make_room(tmp_path, 10, 30)
    assert [path.exists() for path in (old, older, new)] == [True, False, True]
    places.make_room(tmp_path, 10, 10)
    assert not old.exists()
    assert not new.exists()


def test_what_lies_beside_the_folder_stays(tmp_path):
    """The cache may be a folder that somebody keeps models in."""
    mine = kept(tmp_path, "mine/model.safetensors", 100, 9000)
    kept(tmp_path / "converted", "a.safetensors", 10, 500)
    places.make_room(tmp_path / "converted", 10, 10)
    assert mine.exists()
    assert not (tmp_path / "converted" / "a.safetensors").exists()


def test_parts_of_killed_writers_go_and_those_being_written_stay(tmp_path):
    left, written = (kept(tmp_path, f"a/.w.safetensors.{k}.part", 10, age) for k, age in enumerate((7200, 5)))
    places.make_room(tmp_path, 0, 1000)
    assert not left.exists()
    assert written.exists()


def test_a_file_is_whole_or_not_there(tmp_path):
    def broken_off():
        with places.aside(tmp_path / "deep" / "x") as part:
            part.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken_off()
    assert not [*(tmp_path / "deep").iterdir()]
    with places.aside(tmp_path / "deep" / "x") as part:
        part.write_bytes(b"whole")
    assert (tmp_path / "deep" / "x").read_bytes() == b"whole"
