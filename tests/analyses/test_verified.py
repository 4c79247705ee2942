"""What a report says was verified in its run: nothing but what was."""

from dataclasses import replace
from pathlib import Path
from shutil import copy

import numpy as np
import pytest
from known import Known, noisy_photo

import repscope
from repscope.analyses._verified import NOT, verified
from repscope.encoders import available
from repscope.encoders.families.lab import EMBEDDED
from repscope.errors import UnfitTokens
from repscope.report import Table


def block(report) -> Table:
    return next(each for each in report.blocks if getattr(each, "title", "") == "Verified in this run")


def told(encoder) -> tuple[str, str]:
    (found,) = verified([encoder], 1)
    return found.files, found.layout


@pytest.fixture
def photo():
    return noisy_photo("photo", 3, (128, 128))


def test_inspect_and_compare_say_it_near_their_end_and_in_the_provenance(photo):
    one, other = repscope.load("tiny-mae"), repscope.load("tiny-random")
    for report, names in (
        (repscope.inspect([photo], one), ["tiny-mae"]),
        (repscope.compare([photo], [one, other]), ["tiny-mae", "tiny-random"]),
    ):
        assert list(block(report).header[1:]) == names
        assert [row[0] for row in block(report).rows] == ["files", "layout", "tokens"]
        for name in (*NOT, "repscope validate"):
            assert name in block(report).caption
        said = report.provenance["verified"]
        assert [each["encoder"] for each in said] == names
        assert tuple(said[0]["unverified"]) == NOT
        assert "on 1 photo" in said[0]["tokens"]


def test_an_encoder_of_the_package_is_held_against_what_is_noted_there():
    files, layout = told(repscope.load("tiny-random"))
    assert files == "comes with the package; SHA-256 equals the one noted there"
    assert layout == "all keys and shapes agree with the contract"


@pytest.fixture
def local(tmp_path: Path) -> str:
    copy(EMBEDDED / "tiny-random.safetensors", tmp_path)
    return str(tmp_path / "tiny-random.safetensors")


def test_a_local_copy_says_so_and_is_held_against_a_pin_where_there_is_one(local: str):
    encoder = repscope.load(f"tiny-random@{local}")
    assert told(encoder)[0] == "a local copy; SHA-256 was taken, no pin is known"
    assert "there is no config.json" in told(encoder)[1]
    digest = encoder.revision.rpartition("sha256 ")[2]
    for pin, files in ((digest, "a local copy; SHA-256 equals the published one"), ("0" * 64, "is not the published")):
        encoder.contract = replace(encoder.contract, sha256=pin)
        assert files in told(encoder)[0]


def test_a_published_file_is_held_against_its_pin():
    encoder = repscope.load("tiny-random")
    digest = encoder.revision.rpartition("sha256 ")[2]
    encoder.contract = replace(available()["dinov2-vit-s14"], sha256=digest)
    assert told(encoder)[0] == "SHA-256 equals the pin"
    encoder.contract = replace(encoder.contract, sha256="0" * 64)
    assert "held against nothing" in told(encoder)[0]
    encoder.contract = replace(encoder.contract, sha256="")
    assert told(encoder)[0] == "published; SHA-256 was taken, no pin is known"


def test_a_file_that_says_what_it_is_is_held_against_that(local: str):
    assert told(repscope.load(local))[1] == "all keys and shapes agree with the architecture in the file"


def test_of_an_encoder_of_another_hand_nothing_is_claimed(encoders):
    files, layout = told(encoders[0])
    assert files.startswith("not verified: ")
    assert layout.startswith("not verified: ")


def test_tokens_that_are_not_finite_are_found_whoever_says_them(photo, encoders):
    broken = Known("broken", lambda photo, layer: np.full((3, 3, 4), np.nan))
    with pytest.raises(UnfitTokens, match="not finite"):
        repscope.inspect([photo], broken)
    report = repscope.compare([photo], [*encoders[:2], broken])
    assert [each["encoder"] for each in report.provenance["verified"]] == ["one", "copy"]
    assert any("broken is left out" in getattr(each, "text", "") for each in report.blocks)


def test_of_a_set_nothing_is_claimed():
    from repscope.store import Given

    x = np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)
    report = repscope.profile(Given({"a": {-1: x}}))
    assert report.provenance["verified"].startswith("Nothing of the encoders in this run")
