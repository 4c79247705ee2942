"""Training data: what is found in a place, read in which order, kept for the next run, and refused with what to do."""

import io
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
import torch
from PIL import Image
from rights import closed
from small_run import drawn, parquet_file, png

from repscope.errors import NoImages, UnfitData, UnreadableImage, Unsupported
from repscope.lab import data
from repscope.lab.data import TrainingSet, cache
from repscope.lab.data import decoded as decoding
from repscope.lab.data.parquet import ParquetFiles


def written(path, **columns):
    parquet.write_table(pyarrow.table(columns), path)
    return path


def read(*files, size=16, **more):
    return data.read(ParquetFiles(files), size, **more)


def saved(pixels, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def rows(images):
    return images.pixels.permute(0, 2, 3, 1).numpy()


class TestParquet:
    def test_images_and_labels_come_in_order_over_all_files(self, tmp_path):
        pixels, labels = drawn(7)
        files = [
            parquet_file(tmp_path / "a.parquet", pixels[:3], labels[:3]),
            parquet_file(tmp_path / "b.parquet", pixels[3:], labels[3:]),
        ]
        images = read(*files)
        assert images.pixels.dtype == torch.uint8
        assert images.pixels.is_contiguous()
        np.testing.assert_array_equal(rows(images), pixels)
        assert images.labels.tolist() == labels
        assert len(images) == 7

    def test_without_labels_there_are_none(self, tmp_path):
        images = read(parquet_file(tmp_path / "a.parquet", drawn(4)[0], None))
        assert images.labels.tolist() == [-1] * 4
        assert len(images.places) == images.classes == 0

    def test_some_labels_may_be_missing(self, tmp_path):
        pixels, _ = drawn(3)
        file = written(tmp_path / "a.parquet", image=[{"bytes": png(p)} for p in pixels], label=[2, None, 0])
        images = read(file)
        assert images.labels.tolist() == [2, -1, 0]
        assert images.places.tolist() == [0, 2]

    def test_no_row_is_no_image(self, tmp_path):
        empty = pyarrow.table({"image": pyarrow.array([], pyarrow.struct([("bytes", pyarrow.binary())]))})
        parquet.write_table(empty, tmp_path / "a.parquet")
        with pytest.raises(NoImages, match=r"No image in .*a\.parquet; give images"):
            read(tmp_path / "a.parquet")

    def test_what_is_no_parquet_is_refused(self, tmp_path):
        (tmp_path / "a.parquet").write_bytes(b"version https://git-lfs")
        with pytest.raises(UnfitData, match=r"a\.parquet cannot be read as Parquet"):
            read(tmp_path / "a.parquet")

    def test_a_file_that_is_broken_further_in_is_refused(self, tmp_path):
        file = parquet_file(tmp_path / "a.parquet", *drawn(40))
        whole = bytearray(file.read_bytes())
        whole[4 : len(whole) // 2] = bytes(len(whole) // 2 - 4)
        file.write_bytes(whole)
        with pytest.raises(UnfitData, match=r"a\.parquet cannot be read as Parquet.*Fetch or copy it again"):
            read(file)

    def test_another_layout_is_refused(self, tmp_path):
        with pytest.raises(UnfitData, match=r"has the columns picture; .* has a column `image`"):
            read(written(tmp_path / "a.parquet", picture=[1, 2]))
        for row in ({"path": "a.png"}, {"bytes": None}, 7):
            with pytest.raises(UnfitData, match="row 0: the image's bytes are not there"):
                read(written(tmp_path / "b.parquet", image=[row]))

    @pytest.mark.parametrize("label", ["cat", 0.5, 100_000_017])
    def test_labels_that_number_no_classes_are_refused(self, label, tmp_path):
        file = written(tmp_path / "a.parquet", image=[{"bytes": png(drawn(1)[0][0])}], label=[label])
        with pytest.raises(UnfitData, match="number the classes from 0"):
            read(file)

    def test_a_broken_image_is_named_by_its_row(self, tmp_path):
        whole = png(drawn(1)[0][0])
        file = written(tmp_path / "a.parquet", image=[{"bytes": whole}, {"bytes": whole[:40]}])
        with pytest.raises(UnreadableImage, match=r"a\.parquet, row 1"):
            read(file)

    def test_without_pyarrow_it_says_what_to_install(self, tmp_path, monkeypatch):
        file = parquet_file(tmp_path / "a.parquet", *drawn(1))
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(Unsupported, match=r"pip install 'repscope\[lab\]', or give a folder of image files"):
            data.found(file)


class TestPhotos:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        """train with classes b, a-b and a, in which images lie deeper too; validation with one class more."""
        pixels, _ = drawn(9, seed=3)
        names = ("b/1.png", "a-b/0.png", "a/deep/z.png", "a/2.png", "a/10.png", "loose.png")
        for name, image in zip(names, pixels, strict=False):
            saved(image, tmp_path / "photos/train" / name)
        for name, image in zip(("b/1.png", "c/1.png", "a/1.png"), pixels[6:], strict=True):
            saved(image, tmp_path / "photos/validation" / name)
        (tmp_path / "photos/train/a/notes.txt").write_text("no image")
        (tmp_path / "photos/train/.hidden").mkdir()
        saved(pixels[0], tmp_path / "photos/train/.hidden/1.png")
        saved(pixels[0], tmp_path / "photos/train/a/.2.png")
        return tmp_path / "photos"

    def test_sub_folders_are_classes_in_sorted_order(self, folder):
        splits = data.found(folder)
        assert splits.name == "photos"
        names = [str(file.relative_to(folder / "train")) for file in splits.train.files]
        assert names == ["a/10.png", "a/2.png", "a/deep/z.png", "a-b/0.png", "b/1.png", "loose.png"]
        assert splits.train.labels() == [0, 0, 0, 1, 2, -1]
        images = data.read(splits.train, 16)
        pixels, _ = drawn(9, seed=3)
        np.testing.assert_array_equal(rows(images), pixels[[4, 3, 2, 1, 0, 5]])

    def test_validation_has_the_classes_of_training(self, folder):
        validation = data.found(folder).validation
        assert validation is not None
        assert validation.labels() == [0, 2, -1]  # class c is not among them

    def test_val_comes_before_validation(self, folder):
        saved(drawn(1)[0][0], folder / "val/x.png")
        validation = data.found(folder).validation
        assert validation is not None
        assert [file.name for file in validation.files] == ["x.png"]

    def test_a_flat_folder_has_no_labels(self, tmp_path):
        for place, image in enumerate(drawn(3)[0]):
            saved(image, tmp_path / f"{place}.png")
        splits = data.found(tmp_path)
        assert splits.train.labels() == [-1, -1, -1]
        assert splits.validation is None

    def test_a_class_may_be_a_link_to_a_folder(self, tmp_path):
        saved(drawn(1)[0][0], tmp_path / "elsewhere/1.png")
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos/linked").symlink_to(tmp_path / "elsewhere")
        assert data.found(tmp_path / "photos").train.labels() == [0]

    def test_a_folder_within_itself_ends(self, tmp_path):
        saved(drawn(1)[0][0], tmp_path / "a/1.png")
        (tmp_path / "a/again").symlink_to(tmp_path / "a")
        assert len(data.found(tmp_path).train) == 1

    def test_a_broken_image_is_named_by_its_path(self, folder):
        (folder / "train/b/1.png").write_bytes(b"Dear diary")
        with pytest.raises(UnreadableImage, match=r"b/1\.png: not an image: it is text"):
            data.read(data.found(folder).train, 16)

    def test_an_image_that_has_gone_is_named(self, folder):
        source = data.found(folder).train
        (folder / "train/b/1.png").unlink()
        with pytest.raises(UnreadableImage, match=r"b/1\.png: it cannot be read"):
            data.read(source, 16)

    def test_a_class_that_may_not_be_read_is_not_passed_over(self, folder):
        """Without it the classes after it would have other numbers, and nobody would know."""
        with closed(folder / "train/a"), pytest.raises(UnfitData, match=r"train/a cannot be read: Permission denied"):
            data.found(folder)

    def test_a_folder_below_a_class_that_may_not_be_read_is_not_passed_over(self, folder):
        (folder / "train/a/more").mkdir()
        with closed(folder / "train/a/more"), pytest.raises(UnfitData, match="a/more cannot be read: Permission"):
            data.found(folder)

    def test_a_link_that_leads_back_to_itself_is_named(self, folder):
        (folder / "train/round").symlink_to(folder / "train/round")
        with pytest.raises(UnfitData, match=r"train/round cannot be read: .*; mend or remove it"):
            data.found(folder)


class TestFound:
    def test_parquet_splits_are_told_by_name(self, images):
        splits = data.found(images)
        assert splits.validation is not None
        assert (splits.name, len(splits.train), len(splits.validation)) == ("stripes", 64, 16)

    def test_one_file_is_trained_on_whole(self, images):
        splits = data.found(images / "train-1.parquet")
        assert (splits.name, len(splits.train), splits.validation) == ("train-1", 24, None)

    def test_what_is_not_there_or_no_place_for_images_is_refused(self, tmp_path):
        (tmp_path / "file.txt").touch()
        with pytest.raises(UnfitData, match="nowhere is not there"):
            data.found(tmp_path / "nowhere")
        with pytest.raises(UnfitData, match=r"file\.txt is no Parquet file"):
            data.found(tmp_path / "file.txt")

    def test_a_folder_without_images_says_what_is_wanted(self, tmp_path):
        with pytest.raises(NoImages, match=r"give a folder with train\*\.parquet, .* or one Parquet file\.$"):
            data.found(tmp_path)
        parquet_file(tmp_path / "data.parquet", *drawn(1))
        with pytest.raises(NoImages, match="It has other Parquet files; give one of them by its name"):
            data.found(tmp_path)

    def test_a_closed_folder_says_so(self, tmp_path, monkeypatch):
        def closed(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(os, "scandir", closed)
        with pytest.raises(UnfitData, match="cannot be read: Permission denied; change who may read it"):
            data.found(tmp_path)


class TestDecoding:
    def test_another_size_is_scaled_and_grey_becomes_colour(self, tmp_path):
        pixels, _ = drawn(1, side=32)
        grey = io.BytesIO()
        Image.fromarray(pixels[0, :, :, 0]).save(grey, "png")
        images = read(written(tmp_path / "a.parquet", image=[{"bytes": png(pixels[0])}, {"bytes": grey.getvalue()}]))
        wanted = Image.fromarray(pixels[0]).resize((16, 16), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(rows(images)[0], np.asarray(wanted))
        assert (images.pixels[1] == images.pixels[1, :1]).all()

    @pytest.mark.parametrize("box", [(8, 0, 40, 32), (0, 8, 32, 40)])
    def test_of_a_wide_or_high_photo_the_central_square_is_taken(self, box, tmp_path):
        left, top, right, bottom = box
        pixels = drawn(1, side=48)[0][0][: bottom + top, : right + left]
        images = read(written(tmp_path / "a.parquet", image=[{"bytes": png(pixels)}]))
        wanted = Image.fromarray(pixels).crop(box).resize((16, 16), Image.Resampling.BICUBIC)
        assert np.abs(rows(images)[0].astype(int) - np.asarray(wanted)).max() <= 20  # what lies at the crop's edge
        np.testing.assert_array_equal(rows(images)[0][2:-2, 2:-2], np.asarray(wanted)[2:-2, 2:-2])

    def test_many_come_in_order_from_several_threads(self, tmp_path, monkeypatch):
        monkeypatch.setattr(decoding, "TOGETHER", 16)
        pixels, labels = drawn(50)
        seen, square = set(), decoding.square
        barrier = threading.Barrier(2, timeout=20)

        def watched(*given):
            if len(seen) < 2:
                seen.add(threading.get_ident())
                barrier.wait()  # two at the same time
            return square(*given)

        monkeypatch.setattr(decoding, "square", watched)
        told = []
        images = read(
            parquet_file(tmp_path / "a.parquet", pixels, labels), threads=2, progress=lambda *at: told.append(at)
        )
        np.testing.assert_array_equal(rows(images), pixels)
        assert len(seen) == 2
        assert told == [(16, 50), (32, 50), (48, 50), (50, 50)]


class TestSet:
    def test_the_digest_is_of_pixels_and_labels(self, stripes):
        again = TrainingSet(stripes.pixels.clone(), stripes.labels.clone())
        assert again.digest == stripes.digest
        other, named = stripes.pixels.clone(), stripes.labels.clone()
        other[-1, -1, -1, -1] ^= 1
        named[-1] += 1
        assert (
            len({stripes.digest, TrainingSet(other, stripes.labels).digest, TrainingSet(again.pixels, named).digest})
            == 3
        )

    @pytest.mark.parametrize(
        ("labels", "classes"), [([], 0), ([-1, -1], 0), ([0, 0], 1), ([3, 3, -1], 1), ([0, 2], 3), ([-1, 1, 0], 2)]
    )
    def test_classes_are_counted_where_there_are_two(self, labels, classes):
        images = TrainingSet(torch.zeros(len(labels), 3, 2, 2).byte(), torch.tensor(labels, dtype=torch.int64))
        assert images.classes == classes

    def test_some_are_taken_evenly(self, stripes):
        some = stripes.spread(4)
        assert torch.equal(some.pixels, stripes.pixels[[0, 16, 32, 48]])
        assert stripes.spread(64) is stripes


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
