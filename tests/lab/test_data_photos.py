"""Training data in folders, and what is found in a place."""

import os
from pathlib import Path

import numpy as np
import pytest
from rights import closed
from small_data import rows, saved
from small_run import drawn, parquet_file

from repscope.errors import NoImages, UnfitData, UnreadableImage
from repscope.lab import data


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
