"""The fast pace decodes to the exact pixels, takes plain JPEGs alone, and refuses what is refused, in equal words."""

import importlib.util
import io

import numpy as np
import pytest
from decoded import exif
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from repscope.errors import UnknownName, UnreadableImage, Unsupported
from repscope.images import Photo, gather, plain
from repscope.images.decode import decode
from repscope.images.samples import samples

QUALITIES = (20, 75, 100)
SAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")


def told(data, pace):
    """Pixels, notes and digest, or the words of the refusal."""
    try:
        made = decode(data, id="x", source="x.jpg", pace=pace)
    except UnreadableImage as error:
        return str(error)
    return made.pixels.shape, made.pixels.tobytes(), made.notes, made.sha256


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("size", [(500, 375), (333, 251), (17, 9)])
def test_photos_are_decoded_to_the_same_pixels(encode, quality, sampling, size):
    for path in samples():
        picture = Image.open(path).resize(size)
        for progressive in (False, True):
            data = encode(picture, "JPEG", quality=quality, subsampling=sampling, progressive=progressive)
            assert told(data, "fast") == told(data, "exact")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"keep_rgb": True}, {"restart_marker_blocks": 3}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_is_plain_is_decoded_without_pillow(encode, smooth, mode, options, monkeypatch):
    data = encode(Image.fromarray(smooth).convert(mode), "JPEG", **options)
    exact = told(data, "exact")
    monkeypatch.setattr("repscope.images.decode._developed", lambda *given: pytest.fail("Pillow was asked"))
    assert told(data, "fast") == exact


def test_a_profile_that_is_srgb_is_plain_and_another_is_not(encode, smooth, rgb_profile, grey_profile, monkeypatch):
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray(smooth)
    others = [
        encode(picture, "JPEG", icc_profile=rgb_profile()),
        encode(picture, "JPEG", icc_profile=b"no profile"),
        encode(picture, "JPEG", icc_profile=grey_profile),
        encode(picture.convert("L"), "JPEG", icc_profile=grey_profile),
        encode(picture.convert("CMYK"), "JPEG"),
        encode(picture, "JPEG", exif=exif(6)),
        encode(picture, "PNG"),
    ]
    for data in others:
        assert told(data, "fast") == told(data, "exact")
    monkeypatch.setattr("simplejpeg.decode_jpeg", lambda *given, **options: pytest.fail("it is not plain"))
    for data in others:
        decode(data, id="x", source="x", pace="fast")
    data = encode(picture, "JPEG", icc_profile=srgb)
    with pytest.raises(pytest.fail.Exception):
        decode(data, id="x", source="x", pace="fast")


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_damaged_files_are_what_they_are_in_either_pace(draw):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)).resize((112, 80))
    file = io.BytesIO()
    picture.save(file, "JPEG", progressive=draw.draw(st.booleans()), quality=90)
    data = bytearray(file.getvalue())
    for _ in range(draw.draw(st.integers(0, 4))):
        data[draw.draw(st.integers(2, len(data) - 1))] = draw.draw(st.integers(0, 255))
    data = bytes(data[: draw.draw(st.integers(1, len(data)) | st.just(len(data)))])
    assert told(data, "fast") == told(data, "exact")


def test_bytes_behind_the_picture_and_a_file_cut_off_are_left_to_pillow(encode, smooth):
    data = encode(smooth, "JPEG")
    for odd in (data + b"more", data[:-2], data[:-40], data[:-2] + b"\0\0" + data[-2:]):
        assert told(odd, "fast") == told(odd, "exact")


def test_photos_that_are_gathered_have_the_pace_however_they_were_given(tmp_path, encode, smooth):
    (tmp_path / "a.jpg").write_bytes(encode(smooth, "JPEG"))
    given_photo = Photo("p", smooth)
    for pace in ("fast", "exact"):
        photos, _ = gather([tmp_path / "a.jpg", smooth, Image.fromarray(smooth), given_photo], pace=pace)
        assert [photo.pace for photo in photos] == [pace] * 4
    assert gather([smooth])[0][0].pace == "exact"


def test_without_simplejpeg_it_says_what_to_install(monkeypatch, smooth):
    find = importlib.util.find_spec
    monkeypatch.setattr("repscope.images.pace.find_spec", lambda name: None if name == "simplejpeg" else find(name))
    with pytest.raises(Unsupported, match=r"pip install 'repscope\[fast\]'"):
        gather([smooth], pace="fast")
    assert gather([smooth])[0]
    with pytest.raises(UnknownName, match="exact, fast"):
        gather([smooth], pace="quick")


def test_what_is_plain_says_so_of_the_header_alone(encode, smooth):
    data = encode(smooth, "JPEG")
    pixels, notes = plain.developed(data, Image.open(io.BytesIO(data)))
    assert pixels.shape == smooth.shape
    assert notes == ()
    # another header than the data have: not what Pillow has read of it
    assert plain.developed(data, Image.open(io.BytesIO(encode(smooth[:40], "JPEG")))) is None
