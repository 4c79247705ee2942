"""Training data decoded, and the set they make."""

import io
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from small_data import read, rows, written
from small_run import drawn, parquet_file, png

from repscope.lab.data import TrainingSet
from repscope.lab.data import decoded as decoding


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
