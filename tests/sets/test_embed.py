"""Embedding a set: every row is of the image it says, whatever the shards, batches and jobs; nothing is done twice."""

import csv
import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
from colours import Colours, colours, contents, folder, list_file, parquet_file, pixels, png, tar_file
from hypothesis import given, settings
from hypothesis import strategies as st

from repscope.accumulators import CrossMoments, Moments
from repscope.errors import NoImages, UnfitData, UnknownName, UnreadableImage, Unwritable, WrongUsage
from repscope.extract.sets.embed import embed, merge
from repscope.images.sets.place import Local
from repscope.store import Stored, opened


def rows_are_theirs(images: Stored) -> None:
    """Every row of the set against the picture that its id names."""
    for row, (name, embedding) in enumerate(zip(images.ids, images.embedding("colours", "mean"), strict=True)):
        seed = int("".join(c for c in name.rpartition("/")[2].rpartition("#")[2] if c.isdecimal()))
        np.testing.assert_allclose(embedding, colours(pixels(seed)).mean((0, 1)), rtol=1e-5)
        assert (images.photo(row).pixels == pixels(seed)).all()


@pytest.mark.parametrize("kind", ["folder", "parquet", "tar", "list"])
def test_every_row_is_of_the_image_it_names(tmp_path: Path, kind: str):
    if kind == "folder":
        source = folder(tmp_path / "set", 23)
    elif kind == "parquet":
        source = parquet_file(tmp_path / "set" / "x.parquet", range(23))
    elif kind == "tar":
        source = tar_file(tmp_path / "x.tar", range(23))
    else:
        folder(tmp_path / "set", 23)
        order = np.random.default_rng(0).permutation(23)
        source = list_file(tmp_path / "x.csv", [{"path": f"set/{'abc'[k % 3]}/{k}.png", "label": "x"} for k in order])
    images = embed(source, [Colours()], tmp_path / "out", shard=5, batch=3)
    assert images is not None
    assert len(images) == 23
    rows_are_theirs(images)


@settings(max_examples=12, deadline=None)
@given(shard=st.integers(1, 30), batch=st.integers(1, 9), threads=st.integers(1, 4), jobs=st.integers(1, 4))
def test_jobs_and_threads_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory, shard: int, batch: int, threads: int, jobs: int
):
    where = tmp_path_factory.mktemp("jobs")
    source = folder(where / "set", 17)
    encoders = [Colours(), Colours("twice", cls=False, factor=2)]
    embed(source, encoders, where / "one", shard=shard, batch=batch, threads=1)
    for i in range(jobs, 0, -1):
        embed(source, encoders, where / "shared", shard=shard, batch=batch, threads=threads, share=f"{i}/{jobs}")
        embed(source, encoders, where / f"own-{i}", shard=shard, batch=batch, threads=threads, share=f"{i}/{jobs}")
    if jobs > 1:
        assert not (where / "shared" / "manifest.json").exists()
        merge([where / "shared"])
        merge([where / f"own-{i}" for i in range(1, jobs + 1)], where / "merged")
        assert contents(where / "merged") == contents(where / "one")
    assert contents(where / "shared") == contents(where / "one")


def test_accumulators_are_those_of_all_images(tmp_path: Path):
    images = embed(
        folder(tmp_path / "set", 30), [Colours(), Colours("b", factor=3)], tmp_path / "out", shard=7, batch=4
    )
    assert images is not None
    every = np.stack([colours(photo.pixels) for photo in map(images.photo, range(30))]).astype(np.float32)
    patches = Moments().of(every.reshape(-1, 6))
    np.testing.assert_allclose(images.moments("colours").covariance(), patches.covariance(), rtol=1e-4, atol=1e-7)
    assert images.moments("colours").n == 30 * 16
    means = every.mean((1, 2))
    np.testing.assert_allclose(images.moments("b", "mean").covariance(), 9 * np.cov(means.T), rtol=1e-4)
    both = CrossMoments(split=6).of(np.concatenate([means, 3 * means], 1))
    np.testing.assert_allclose(images.cross("colours", "b").covariance(), both.covariance(), rtol=1e-4)
    assert images.lengths("colours").n == 30 * 16
    median = np.median(np.linalg.norm(every.reshape(-1, 6), axis=1))
    assert images.lengths("colours").quantile(0.5) == pytest.approx(median, rel=0.05)


def test_the_sample_is_the_same_images_for_all_encoders_and_cuts(tmp_path: Path):
    source = folder(tmp_path / "set", 40)
    encoders = [Colours(), Colours("b", factor=2)]
    one = embed(source, encoders, tmp_path / "one", shard=40, sample=5)
    two = embed(source, encoders, tmp_path / "two", shard=3, batch=2, sample=5)
    assert one is not None
    assert two is not None
    first, second = one.sample("colours"), two.sample("b")
    assert list(first.rows) == list(second.rows)
    assert len(first.rows) == 5
    np.testing.assert_array_equal(2 * first.patches, second.patches)
    for row, patches in zip(first.rows, first.patches, strict=True):
        np.testing.assert_allclose(patches, colours(one.photo(row).pixels), rtol=1e-5)
    assert len(first.frames) == 5


def test_layers_and_patches_are_kept_where_asked(tmp_path: Path):
    images = embed(folder(tmp_path / "set", 6), [Colours()], tmp_path / "out", layers=[0, -1], keep=["cls", "patches"])
    assert images is not None
    assert images.layers("colours") == (0, -1)
    np.testing.assert_array_equal(images.embedding("colours", layer=0), -images.embedding("colours"))
    np.testing.assert_allclose(images.patches("colours")[4], colours(images.photo(4).pixels), rtol=1e-5)
    assert images.patches("colours").shape == (6, 4, 4, 6)
    with pytest.raises(UnknownName, match="mean"):
        images.embedding("colours", "mean")
    with pytest.raises(UnknownName, match="moments"):
        images.moments("colours")
    assert images.readings("colours") == {}


def test_readings_are_of_each_image(tmp_path: Path):
    from repscope import metrics

    images = embed(folder(tmp_path / "set", 4), [Colours()], tmp_path / "out", readings=["token_norm", "mean_cosine"])
    assert images is not None
    said = images.readings("colours")
    assert set(said) == {"token_norm", "mean_cosine"}
    patches = colours(images.photo(2).pixels).astype(np.float32)
    assert said["mean_cosine"][2] == pytest.approx(metrics.mean_cosine(patches), rel=1e-6)


def test_a_picture_of_one_colour_has_no_reading(tmp_path: Path):
    from PIL import Image

    Image.new("RGB", (16, 16), (9, 9, 9)).save(tmp_path / "flat.png")
    (tmp_path / "other.png").write_bytes(png(1))
    images = embed(tmp_path, [Colours()], tmp_path.with_name("flat-out"))
    assert images is not None
    assert np.isnan(images.readings("colours")["participation_ratio"]).tolist() == [True, False]


def test_images_that_cannot_be_read_are_listed_and_shift_no_row(tmp_path: Path):
    source = folder(tmp_path / "set", 20)
    for name, data in (("a/3.png", b"no"), ("b/13.png", b""), ("c/2.png", png(2)[:40])):
        (source / name).write_bytes(data)
    images = embed(source, [Colours()], tmp_path / "out", shard=4, batch=3)
    assert images is not None
    assert len(images) == 17
    rows_are_theirs(images)
    listed = list(csv.DictReader((tmp_path / "out" / "failed.csv").read_text().splitlines()))
    assert [each["id"] for each in listed] == ["a/3.png", "b/13.png", "c/2.png"]
    assert "empty" in listed[1]["reason"]
    assert [each["id"] for each in images.files.failures()] == ["a/3.png", "b/13.png", "c/2.png"]


def test_too_many_failures_end_the_run_and_keep_what_is_done(tmp_path: Path):
    source = folder(tmp_path / "set", 12, classes=1)
    for seed in (5, 6):
        (source / "a" / f"{seed}.png").write_bytes(b"no")
    with pytest.raises(UnfitData, match="2 images could not be read, and --max-failures is 1"):
        embed(source, [Colours()], tmp_path / "out", shard=4, max_failures=1)
    assert len(list((tmp_path / "out" / "ledger").iterdir())) == 2
    encoder = Colours()
    assert embed(source, [encoder], tmp_path / "out", shard=4, max_failures=2) is not None
    assert encoder.seen == 4


def test_where_no_image_can_be_read_it_is_said(tmp_path: Path):
    source = folder(tmp_path / "set", 2)
    for path in source.rglob("*.png"):
        path.write_bytes(b"no")
    with pytest.raises(NoImages, match="None of the images could be read"):
        embed(source, [Colours()], tmp_path / "out")


def test_what_is_done_is_not_done_again(tmp_path: Path):
    source, encoder = folder(tmp_path / "set", 9), Colours()
    embed(source, [encoder], tmp_path / "out", shard=4)
    before = contents(tmp_path / "out")
    assert encoder.seen == 9
    assert len(embed(source, [encoder], tmp_path / "out", shard=4) or ()) == 9
    assert encoder.seen == 9
    assert contents(tmp_path / "out") == before


def test_another_job_is_refused_in_words(tmp_path: Path):
    source = folder(tmp_path / "set", 5)
    embed(source, [Colours()], tmp_path / "out")
    for options, words in (
        ({"layers": [0]}, "layers was .-1., now it is .0."),
        ({"framing": "square"}, "framing was"),
        ({"batch": 3}, "batch was 8, now it is 3"),
        ({"store": "float16"}, "store was"),
    ):
        with pytest.raises(Unwritable, match=words):
            embed(source, [Colours()], tmp_path / "out", **options)
    with pytest.raises(Unwritable, match="encoders were colours, now they are colours, other"):
        embed(source, [Colours(), Colours("other")], tmp_path / "out")
    with pytest.raises(Unwritable, match="weights of SHA-256"):
        embed(source, [Colours(factor=2)], tmp_path / "out")
    (source / "a" / "77.png").write_bytes(png(77))
    with pytest.raises(Unwritable, match="had 5 images, now there are 6"):
        embed(source, [Colours()], tmp_path / "out")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(Unwritable, match="already holds files"):
        embed(folder(tmp_path / "set", 2), [Colours()], tmp_path / "out")
    assert contents(tmp_path / "out") == {"thesis.txt": b"mine"}
    with pytest.raises(Unwritable, match="is a file"):
        embed(folder(tmp_path / "set", 2), [Colours()], tmp_path / "out" / "thesis.txt")


def test_the_same_images_elsewhere_are_the_same_job(tmp_path: Path):
    source = folder(tmp_path / "set", 5)
    embed(source, [Colours()], tmp_path / "out")
    source.rename(tmp_path / "moved")
    assert embed(tmp_path / "moved", [Colours()], tmp_path / "out") is not None


def test_an_image_that_changed_is_named(tmp_path: Path):
    source = folder(tmp_path / "set", 9, classes=1)
    changed = source / "a" / "4.png"
    (source / "a" / "8.png").write_bytes(b"no")
    with pytest.raises(UnfitData, match="max-failures"):
        embed(source, [Colours()], tmp_path / "out", shard=3, max_failures=0)
    other = png(999)[: len(changed.read_bytes())]
    changed.write_bytes(other + b"\0" * (len(changed.read_bytes()) - len(other)))
    later = (tmp_path / "out" / "shards" / "000001.parquet").stat().st_mtime + 5
    os.utime(changed, (later, later))
    with pytest.raises(UnfitData, match=r"4\.png is not the image that was embedded: its SHA-256 was"):
        embed(source, [Colours()], tmp_path / "out", shard=3)
    os.utime(changed, (1, 1))
    with pytest.raises(UnfitData, match=r"4\.png is not the image"):
        embed(source, [Colours()], tmp_path / "out", shard=3, verify=True)


def test_a_touched_image_that_is_the_same_is_no_change(tmp_path: Path):
    source = folder(tmp_path / "set", 4)
    embed(source, [Colours()], tmp_path / "out")
    for path in source.rglob("*.png"):
        os.utime(path)
    assert embed(source, [Colours()], tmp_path / "out") is not None


def test_an_image_that_changed_is_not_shown_as_the_one_that_was(tmp_path: Path):
    source = folder(tmp_path / "set", 3)
    images = embed(source, [Colours()], tmp_path / "out")
    assert images is not None
    (source / "a" / "0.png").write_bytes(png(5))
    with pytest.raises(UnreadableImage, match="it has changed since"):
        images.photo(0)
    (source / "a" / "0.png").unlink()
    with pytest.raises(UnreadableImage):
        opened(tmp_path / "out").photo(2)


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source, written = folder(tmp_path / "set", 12), Local.write
    embed(source, [Colours()], tmp_path / "whole", shard=3)

    def full(self: Local, data: bytes) -> None:
        if self.path.name == "000002.parquet":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(self, data)

    with monkeypatch.context() as patched:
        patched.setattr(Local, "write", full)
        with pytest.raises(Unwritable, match=r"No space left on device\. What is done is kept"):
            embed(source, [Colours()], tmp_path / "out", shard=3, cache=False)
    encoder = Colours()
    embed(source, [encoder], tmp_path / "out", shard=3, cache=False)
    assert encoder.seen == 6
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_numbers_too_large_for_float16_are_refused(tmp_path: Path):
    from repscope.errors import UnfitTokens

    with pytest.raises(UnfitTokens, match="more than float16 holds"):
        embed(folder(tmp_path / "set", 2), [Colours(factor=1e6)], tmp_path / "out", store="float16")
    images = embed(folder(tmp_path / "set", 2), [Colours()], tmp_path / "half", store="float16")
    assert images is not None
    assert images.embedding("colours").dtype == np.float16


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"layers": [9]}, WrongUsage, "no layer 9"),
        ({"layers": []}, WrongUsage, "Nothing would be kept"),
        ({"keep": ["moments"]}, WrongUsage, "Nothing would be kept"),
        ({"keep": ["csl"]}, UnknownName, "Did you mean cls"),
        ({"readings": ["lidar"]}, WrongUsage, "no reading of one image"),
        ({"readings": ["effective_rang"]}, UnknownName, "effective_rank"),
        ({"batch": 0}, WrongUsage, "1 image or more"),
        ({"share": "3/2"}, WrongUsage, "i/n"),
        ({"store": "int8"}, UnknownName, "int8"),
    ],
)
def test_options_that_do_not_fit_are_told_before_any_work(tmp_path: Path, options, error, words: str):
    encoder = Colours()
    with pytest.raises(error, match=words):
        embed(folder(tmp_path / "set", 2), [encoder], tmp_path / "out", **options)
    assert encoder.seen == 0


def test_encoders_without_what_is_kept_are_told(tmp_path: Path):
    source = folder(tmp_path / "set", 2)
    with pytest.raises(WrongUsage, match="no CLS token"):
        embed(source, [Colours(cls=False)], tmp_path / "out", keep=["cls"])
    with pytest.raises(WrongUsage, match="named twice"):
        embed(source, [Colours(), Colours()], tmp_path / "out")
    with pytest.raises(WrongUsage, match="one encoder or more"):
        embed(source, [], tmp_path / "out")


def test_a_source_whose_columns_have_our_names(tmp_path: Path):
    file = parquet_file(tmp_path / "x.parquet", range(4), width=[1, 2, 3, 4], split=["train", "test"] * 2)
    images = embed(file, [Colours()], tmp_path / "out")
    assert images is not None
    assert list(images.column("split")) == ["train", "test"] * 2
    assert list(images.column("width")) == [16] * 4
    assert list(images.column("source_width")) == ["1", "2", "3", "4"]


def test_merging_wants_every_shard_and_one_job(tmp_path: Path):
    source = folder(tmp_path / "set", 9)
    embed(source, [Colours()], tmp_path / "one", shard=2, share="1/2")
    with pytest.raises(UnfitData, match="3 of 5 shards; 000001"):
        merge([tmp_path / "one"])
    embed(source, [Colours()], tmp_path / "other", shard=3, share="2/2")
    with pytest.raises(Unwritable, match="shard was 2, now it is 3"):
        merge([tmp_path / "one", tmp_path / "other"], tmp_path / "both")
    with pytest.raises(UnfitData, match="name it with -o"):
        merge([tmp_path / "one", tmp_path / "other"])
    with pytest.raises(UnfitData, match="not made by"):
        merge([source])


def test_a_manifest_names_every_file_with_its_digest(tmp_path: Path):
    from hashlib import sha256

    embed(folder(tmp_path / "set", 9), [Colours()], tmp_path / "out", shard=4)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    for name, about in manifest["files"].items():
        assert sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == about["sha256"]
    assert set(contents(tmp_path / "out")) == {"job.json", "manifest.json", *manifest["files"]}
    assert (manifest["rows"], manifest["images"], manifest["failed"]) == (9, 9, 0)
