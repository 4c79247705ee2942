"""A set that was embedded fast says so, is another job than the exact one, and asks the cache other questions."""

import numpy as np
import pytest
from PIL import Image

import repscope
from repscope.errors import Unwritable


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.fromarray(rng.integers(0, 256, (90, 120, 3), np.uint8)).save(tmp_path / "images" / f"{name}.jpg")
    return str(tmp_path / "images")


def test_the_pace_is_told_and_is_part_of_the_job(source, tmp_path, monkeypatch):
    monkeypatch.setenv("REPSCOPE_CACHE", str(tmp_path / "cache"))
    exact = repscope.embed(source, "tiny-mae", tmp_path / "exact")
    fast = repscope.embed(source, "tiny-mae", tmp_path / "fast", fast=True)
    assert (exact.pace, fast.pace) == ("exact", "fast")
    assert fast.files.job["pace"] == "fast"
    assert "pace" not in exact.files.job  # as in jobs that knew of no other
    assert "simplejpeg" in fast.files.job["versions"]
    assert fast.photo(0).pace == "fast"
    one, other = (images.embedding("tiny-mae") for images in (exact, fast))
    assert not np.array_equal(one, other)  # the cache did not give the one for the other
    assert np.allclose(one, other, atol=0.1)
    with pytest.raises(Unwritable, match="pace was"):
        repscope.embed(source, "tiny-mae", tmp_path / "exact", fast=True)
