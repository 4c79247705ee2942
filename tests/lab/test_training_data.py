"""Training data: what is read from Parquet, in which order, and what is refused with what to do."""

import io

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
import torch
from PIL import Image
from small_run import drawn, parquet_file, png

from repscope.errors import NoImages, UnfitData, UnreadableImage
from repscope.lab import data


def written(path, **columns):
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_images_and_labels_come_in_order_over_all_files(tmp_path):
    pixels, labels = drawn(7)
    files = [
        parquet_file(tmp_path / "a.parquet", pixels[:3], labels[:3]),
        parquet_file(tmp_path / "b.parquet", pixels[3:], labels[3:]),
    ]
    read = data.read(files, 16)
    assert read.pixels.dtype == torch.uint8
    assert read.pixels.is_contiguous()
    np.testing.assert_array_equal(read.pixels.permute(0, 2, 3, 1).numpy(), pixels)
    assert read.labels.tolist() == labels
    assert len(read) == 7


def test_another_size_is_scaled_and_grey_becomes_colour(tmp_path):
    pixels, _ = drawn(1, side=32)
    grey = io.BytesIO()
    Image.fromarray(pixels[0, :, :, 0]).save(grey, "png")
    images = [{"bytes": png(pixels[0])}, {"bytes": grey.getvalue()}]
    read = data.read([written(tmp_path / "a.parquet", image=images)], 16)
    wanted = Image.fromarray(pixels[0]).resize((16, 16), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(read.pixels[0].permute(1, 2, 0).numpy(), np.asarray(wanted))
    assert (read.pixels[1] == read.pixels[1, :1]).all()


def test_without_labels_there_are_none(tmp_path):
    pixels, _ = drawn(4)
    read = data.read([parquet_file(tmp_path / "a.parquet", pixels, None)], 16)
    assert read.labels.tolist() == [-1] * 4
    assert len(read.labelled()) == 0


def test_some_labels_may_be_missing(tmp_path):
    pixels, _ = drawn(3)
    file = written(tmp_path / "a.parquet", image=[{"bytes": png(p)} for p in pixels], label=[2, None, 0])
    read = data.read([file], 16)
    assert read.labels.tolist() == [2, -1, 0]
    assert read.labelled().labels.tolist() == [2, 0]
    assert torch.equal(read.labelled().pixels, read.pixels[[0, 2]])


def test_no_file_and_no_row_are_no_images(tmp_path):
    empty = pyarrow.table({"image": pyarrow.array([], pyarrow.struct([("bytes", pyarrow.binary())]))})
    parquet.write_table(empty, tmp_path / "a.parquet")
    for files in ([], [tmp_path / "a.parquet"]):
        with pytest.raises(NoImages, match="give Parquet files"):
            data.read(files, 16)


def test_what_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"version https://git-lfs")
    with pytest.raises(UnfitData, match=r"a\.parquet cannot be read as Parquet"):
        data.read([tmp_path / "a.parquet"], 16)


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(UnfitData, match=r"has the columns picture; .* has a column `image`"):
        data.read([written(tmp_path / "a.parquet", picture=[1, 2])], 16)
    for row in ({"path": "a.png"}, {"bytes": None}, 7):
        with pytest.raises(UnfitData, match="row 0: the image's bytes are not there"):
            data.read([written(tmp_path / "b.parquet", image=[row])], 16)


def test_labels_in_words_are_refused(tmp_path):
    file = written(tmp_path / "a.parquet", image=[{"bytes": png(drawn(1)[0][0])}], label=["cat"])
    with pytest.raises(UnfitData, match="number the classes"):
        data.read([file], 16)


def test_a_broken_image_is_named_by_its_row(tmp_path):
    whole = png(drawn(1)[0][0])
    file = written(tmp_path / "a.parquet", image=[{"bytes": whole}, {"bytes": whole[:40]}])
    with pytest.raises(UnreadableImage, match=r"a\.parquet, row 1"):
        data.read([file], 16)
