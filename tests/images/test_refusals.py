"""What cannot be shown is refused with a reason and a way out, and with nothing else."""

import contextlib
import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from repscope.errors import UnreadableImage
from repscope.images.decode import PIXELS, decode, from_array, from_picture
from repscope.images.photo import Photo
from repscope.images.quiet import Quiet


def refusal(data):
    with pytest.raises(UnreadableImage) as caught:
        decode(data, id="x", source="folder/x.jpg")
    message = str(caught.value)
    assert message.startswith("folder/x.jpg: ")
    return message


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded():
    out = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save(out, "JPEG", progressive=True)
    data = out.getvalue()
    decode(data, id="x", source="x.jpg")
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert "scans" in refusal(data[:-2] + scan * 600 + data[-2:])


def header(width, height):
    """The beginning of a PNG that claims this size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = b"\0\0\0\0IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body)) + end


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (b"", "0 bytes"),
        (b"Dear reader,\nthis is no photo.\n", "it is text"),
        ("Grüße".encode(), "it is text"),
        (b"<!DOCTYPE html><html>404", "it is a web page"),
        (b"\n<HTML><body>", "it is a web page"),
        (b'<?xml version="1.0"?><svg xmlns="...">', "it is an SVG drawing"),
        (b"%PDF-1.7\n\0", "it is a PDF"),
        (b"PK\x03\x04\0\0", "unpack it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "it is HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n\0", "give a JPEG"),
        (bytes(100), "give a JPEG"),
        (b"\xff\xd8\xff", "give a JPEG"),
        (b"\x89PNG\r\n\x1a\n", "give a JPEG"),
    ],
)
def test_what_is_no_image_says_what_it_is(data, advice):
    assert advice in refusal(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_cut_off_is_refused_not_shown_grey(encode, kind, share):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(pixels, kind)
    message = refusal(data[: int(share * len(data))])
    assert "download it again" in message
    if kind == "JPEG":
        assert "cut off" in message


def test_a_bomb_is_refused_before_it_is_decoded():
    assert "150 million" in refusal(header(12_300, 12_300))  # Pillow alone would only warn
    assert "smaller" in refusal(header(60_000, 60_000))
    assert PIXELS < 2 * Image.MAX_IMAGE_PIXELS  # so that Pillow's own alarm never comes first


def test_a_large_photo_is_no_bomb():
    """108 megapixels, as phones make them: Pillow's warning is kept off the screen, the body is judged."""
    assert "cut off" in refusal(header(12_000, 9_000)) or "broken" in refusal(header(12_000, 9_000))


@pytest.mark.parametrize(
    ("size", "word"), [((1, 1), "few"), ((7, 7), "few"), ((10_000, 1), "few"), ((7, 9), "few"), ((408, 8), "slim")]
)
def test_sizes_that_cannot_be_shown(encode, size, word):
    assert word in refusal(encode(Image.new("RGB", size)))
    assert f"{size[0]} x {size[1]}" in refusal(encode(Image.new("RGB", size)))
    assert word in refusal(encode(Image.new("RGB", size[::-1])))
    for make in (lambda: from_array(np.zeros((*size, 3), np.uint8), id="", source=""),):
        with pytest.raises(UnreadableImage, match=word):
            make()
    with pytest.raises(UnreadableImage, match=word):
        from_picture(Image.new("RGB", size), id="", source="")


@pytest.mark.parametrize("size", [(8, 8), (400, 8), (8, 400)])
def test_sizes_that_just_can(encode, size):
    assert decode(encode(Image.new("RGB", size)), id="", source="").size == size


@pytest.mark.parametrize(
    ("array", "advice"),
    [
        (np.zeros((3, 16, 16), np.uint8), "transpose"),
        (np.zeros((16, 16, 4), np.uint8), ":3"),
        (np.zeros((2, 16, 16, 3), np.uint8), "list"),
        (np.zeros(16, np.uint8), "one array is one photo"),
        (np.zeros((16, 16, 3), np.int64), "int64"),
        (np.zeros((16, 16), bool), "bool"),
        (np.full((16, 16, 3), 255.0), "divide by 255"),
        (np.full((16, 16, 3), -0.1), "normalisation"),
        (np.full((16, 16, 3), np.nan), "nan"),
        (np.full((16, 16, 3), "a"), "<U1"),
        (np.zeros((0, 0, 3), np.uint8), "few"),
    ],
)
def test_arrays_that_are_no_photo(array, advice):
    with pytest.raises(UnreadableImage, match="an array: ") as caught:
        from_array(array, id="", source="an array")
    assert advice in str(caught.value)


def test_floats_none_of_which_is_finite(encode):
    assert "finite" in refusal(encode(np.full((16, 16), np.nan, np.float32), "TIFF"))


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_garbage_gives_only_refusals(data):
    with pytest.raises(UnreadableImage):
        decode(data, id="x", source="x")


def files():
    """One small file of each kind, with all that hangs on it."""
    rng, made = np.random.default_rng(0), []
    colour = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF", "ICO"):
        for picture in (colour, colour.convert("P"), colour.convert("LA"), colour.convert("CMYK")):
            file = io.BytesIO()
            options = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}
            options |= {"compression": "tiff_lzw"} if kind == "TIFF" else {}
            try:
                picture.save(file, kind, **options)
            except (OSError, ValueError, KeyError):
                continue  # a mode that this kind does not know
            made.append(file.getvalue())
    return made


FILES = files()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_files_give_photos_or_refusals(data):
    broken = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(broken) // 2, len(broken)))
    with contextlib.suppress(UnreadableImage):
        made = decode(bytes(broken[:cut]), id="x", source="x")
        assert isinstance(made, Photo)
        assert made.pixels.shape == (made.size[1], made.size[0], 3)


def test_there_is_something_to_damage():
    assert len(FILES) > 20
    for data in FILES:
        assert isinstance(decode(data, id="x", source="x"), Photo)


def test_quiet_silences_pillow_and_nothing_else():
    quiet, before = Quiet(), list(warnings.filters)
    with quiet, quiet:
        warnings.warn_explicit("of Pillow's", UserWarning, "Image.py", 1, module="PIL.Image")
        with pytest.raises(UserWarning, match="mine"):
            warnings.warn_explicit("mine", UserWarning, "mine.py", 1, module="mine")
    assert list(warnings.filters) == before


def test_quiet_leaves_no_filter_behind_when_threads_leave_out_of_order():
    quiet, before = Quiet(), list(warnings.filters)
    entered, leave = threading.Event(), threading.Event()

    def other():
        with quiet:
            entered.set()
            leave.wait(5)

    thread = threading.Thread(target=other)
    with quiet:
        thread.start()
        assert entered.wait(5)
    assert list(warnings.filters) != before  # the other is still inside
    leave.set()
    thread.join()
    assert list(warnings.filters) == before
