"""Training data kept decoded for the next run."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from small_data import read, rows, written
from small_run import drawn, parquet_file, png

from repscope.errors import UnreadableImage
from repscope.lab.data import TrainingSet, cache
from repscope.lab.data import decoded as decoding
from repscope.lab.data.parquet import ParquetFiles


class TestCache:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch) -> Path:
        monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(cache, "LEAST", 10)
        return tmp_path / "cache"

    @pytest.fixture
    def file(self, tmp_path) -> Path:
        return parquet_file(tmp_path / "a.parquet", *drawn(40))

    def test_a_second_reading_decodes_nothing_and_gives_the_same(self, file, folder, monkeypatch):
        first = read(file)
        monkeypatch.setattr(decoding, "square", None)
        again = read(file)
        np.testing.assert_array_equal(rows(first), drawn(40)[0])
        assert torch.equal(again.pixels, first.pixels)
        assert torch.equal(again.labels, first.labels)
        (kept,) = folder.iterdir()
        held = TrainingSet(first.pixels, first.labels).digest
        assert kept.stem.endswith(f"-{held}")
        assert first.digest == again.digest == held

    def test_it_is_mapped_and_never_changed(self, file, folder):
        images = read(file)
        (kept,) = folder.iterdir()
        before = kept.read_bytes()
        assert str(kept) in Path("/proc/self/maps").read_text() or not Path("/proc/self/maps").exists()
        images.pixels[0] = 0
        assert kept.read_bytes() == before

    def test_another_size_file_or_time_is_another_set(self, file, folder):
        read(file)
        read(file, size=8)
        assert len(list(folder.iterdir())) == 2
        state = file.stat()
        parquet_file(file, *drawn(40, seed=1))
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
        np.testing.assert_array_equal(rows(read(file)), drawn(40, seed=1)[0])
        assert len(list(folder.iterdir())) == 3

    def test_the_same_bytes_of_another_time_are_another_set(self, file):
        before, state = cache.key(ParquetFiles((file,)), 16), file.stat()
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
        assert cache.key(ParquetFiles((file,)), 16) != before

    def test_an_array_that_is_not_these_images_is_not_taken(self, file, folder):
        read(file)
        (kept,) = folder.iterdir()
        for wrong in (np.zeros((39, 3, 16, 16), np.uint8), np.zeros((40, 3, 16, 16), np.int8)):
            np.save(kept, wrong)
            np.testing.assert_array_equal(rows(read(file)), drawn(40)[0])

    def test_a_damaged_file_is_not_taken(self, file, folder):
        first = read(file)
        (kept,) = folder.iterdir()
        digest = first.digest
        del first
        kept.write_bytes(kept.read_bytes()[:200])
        again = read(file)
        np.testing.assert_array_equal(rows(again), drawn(40)[0])
        assert again.digest == digest

    def test_few_images_are_not_kept(self, tmp_path, folder):
        read(parquet_file(tmp_path / "b.parquet", *drawn(9)))
        assert not folder.exists()

    def test_a_broken_image_leaves_nothing(self, tmp_path, folder):
        rows = [{"bytes": png(p)} for p in drawn(20)[0]]
        rows[15] = {"bytes": b"?"}
        with pytest.raises(UnreadableImage, match="row 15"):
            read(written(tmp_path / "b.parquet", image=rows))
        assert list(folder.iterdir()) == []

    def test_where_nothing_can_be_kept_they_lie_in_memory(self, file, folder):
        folder.write_text("a file")
        np.testing.assert_array_equal(rows(read(file)), drawn(40)[0])

    def test_a_disk_that_fills_up_leaves_nothing_and_stops_nothing(self, file, folder, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
        np.testing.assert_array_equal(rows(read(file)), drawn(40)[0])
        assert list(folder.iterdir()) == []

    def test_a_disk_without_room_is_not_begun_on(self, file, folder, monkeypatch):
        monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2 * 40 * 3 * 16 * 16}))
        np.testing.assert_array_equal(rows(read(file)), drawn(40)[0])
        assert list(folder.iterdir()) == []

    def test_somebody_without_a_home_has_none(self, monkeypatch):
        for name in ("REPSCOPE_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)

        def homeless():
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", homeless)
        assert cache.folder() is None
        monkeypatch.setenv("XDG_CACHE_HOME", "/x")
        assert cache.folder() == Path("/x/repscope")
