"""Training data in Parquet: order, labels, and what is refused."""

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
import torch
from small_data import read, rows, written
from small_run import drawn, parquet_file, png

from repscope.errors import NoImages, UnfitData, UnreadableImage


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
