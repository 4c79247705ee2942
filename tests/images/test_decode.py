"""Every kind of file becomes the same upright sRGB pixels, and says what was done."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from decoded import STORED, exif, photo
from PIL import Image

from repscope.images.decode import TURNS, decode, from_array, from_picture


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_lossless_formats_give_their_very_pixels(encode, corners, kind):
    options = {"irreversible": False} if kind == "JPEG2000" else {}
    made = photo(encode(corners, kind, **options))
    assert np.array_equal(made.pixels, corners)
    assert made.pixels.dtype == np.uint8
    assert made.size == (40, 24)
    assert made.notes == ()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_formats_give_nearly_them(encode, smooth, kind):
    made = photo(encode(smooth, kind, quality=95))
    assert np.abs(made.pixels.astype(int) - smooth).mean() < 2
    assert made.notes == ()


def test_a_photo_knows_its_name_source_and_the_digest_of_its_bytes(encode, corners):
    data = encode(corners)
    made = decode(data, id="a", source="b/a.png")
    assert (made.id, made.source, made.sha256) == ("a", "b/a.png", hashlib.sha256(data).hexdigest())


def test_pixels_cannot_be_written(encode, corners):
    for made in (photo(encode(corners)), from_array(corners, id="", source=""), from_picture_of(corners)):
        with pytest.raises(ValueError, match="read-only"):
            made.pixels[0, 0, 0] = 1


def from_picture_of(pixels):
    return from_picture(Image.fromarray(pixels), id="", source="")


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright_once(encode, corners, orientation, kind):
    stored = np.ascontiguousarray(STORED[orientation](corners))
    options = {"lossless": True} if kind == "WEBP" else {}
    made = photo(encode(stored, kind, exif=exif(orientation), **options))
    assert np.array_equal(made.pixels, corners)
    assert made.notes == ((f"turned upright (EXIF orientation {orientation})",) if orientation > 1 else ())
    assert len(TURNS) == 7


@pytest.mark.parametrize("data", [exif(99).tobytes(), b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\xff\xff"])
def test_a_broken_orientation_is_none(encode, corners, data):
    made = photo(encode(corners, "PNG", exif=data))
    assert np.array_equal(made.pixels, corners)
    assert made.notes == ()


def test_alpha_lies_over_white(encode, corners):
    rgba = np.dstack([corners, np.full((24, 40), 255, np.uint8)])
    rgba[:8, :8, 3], rgba[:8, -8:, 3] = 0, 51
    made = photo(encode(rgba))
    assert (made.pixels[:8, :8] == 255).all()
    assert (made.pixels[:8, -8:] == (204, 255, 204)).all()  # a fifth of green on white
    assert np.array_equal(made.pixels[8:], corners[8:])
    assert made.notes == ("alpha over white",)


def test_opaque_alpha_is_nothing_to_speak_of(encode, corners):
    made = photo(encode(np.dstack([corners, np.full((24, 40), 255, np.uint8)])))
    assert np.array_equal(made.pixels, corners)
    assert made.notes == ()


def test_grey_with_alpha(encode):
    greys = Image.merge("LA", [Image.new("L", (16, 16), 100), Image.new("L", (16, 16), 0)])
    made = photo(encode(greys))
    assert (made.pixels == 255).all()
    assert made.notes == ("from greyscale", "alpha over white")


def test_greyscale_has_three_channels_alike(encode, corners):
    made = photo(encode(corners[:, :, 0]))
    assert np.array_equal(made.pixels, np.repeat(corners[:, :, :1], 3, 2))
    assert made.notes == ("from greyscale",)


def test_one_bit(encode, corners):
    made = photo(encode(Image.fromarray(corners[:, :, 0] > 100)))
    assert np.array_equal(made.pixels, np.repeat(255 * (corners[:, :, :1] > 100), 3, 2))
    assert made.notes == ("from black and white",)


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_palettes(encode, corners, transparent, kind):
    picture = Image.fromarray(corners).quantize(8)
    red = picture.getpixel((0, 0))
    made = photo(encode(picture, kind, **({"transparency": red} if transparent else {})))
    wanted = corners.copy()
    if transparent:
        wanted[:8, :8] = 255
    assert np.array_equal(made.pixels, wanted)
    assert made.notes[0] == "from a palette"
    assert ("alpha over white" in made.notes) == transparent


def test_a_palette_with_a_table_of_alphas(encode, corners):
    picture = Image.fromarray(corners).quantize(8)
    alphas = bytearray(b"\xff" * 8)
    alphas[picture.getpixel((0, 0))] = 0
    made = photo(encode(picture, transparency=bytes(alphas)))
    assert (made.pixels[:8, :8] == 255).all()
    assert np.array_equal(made.pixels[8:], corners[8:])


def test_cmyk(encode):
    """Pillow stores CMYK inverted, as Adobe does; both come back the right way round."""
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for kind, room in (("TIFF", 0), ("JPEG", 2)):
        made = photo(encode(inks, kind))
        assert np.abs(made.pixels[8, 8].astype(int) - (255, 0, 0)).max() <= room
        assert made.notes == ("from CMYK",)


def test_ycck(encode):
    """As Photoshop writes it: the inverse of the inks, their first three as luma and chroma."""
    luma = np.asarray(Image.new("RGB", (1, 1), (55, 205, 225)).convert("YCbCr"))[0, 0]
    stored = tuple(int(255 - value) for value in luma)
    data = encode(Image.new("CMYK", (16, 16), (*stored, 0)), "JPEG", quality=100)
    at = data.index(b"Adobe") + 11
    made = photo(data[:at] + b"\x02" + data[at + 1 :])
    assert np.abs(made.pixels[8, 8].astype(int) - (200, 50, 30)).max() <= 4


def test_sixteen_bit_grey_is_scaled_not_cut(encode):
    values = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    for kind in ("PNG", "TIFF"):
        made = photo(encode(values, kind))
        assert np.array_equal(made.pixels[:, :, 0], np.rint(values / 257))
        assert made.notes == ("from 16 bits", "from greyscale")


def sixteen_bit_png(values, colour, *, clear=b""):
    """What Pillow cannot write: 16 bits in three channels, or with a transparent level."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour, 0, 0, 0)
    parts = [(b"IHDR", head), *([(b"tRNS", clear)] if clear else []), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_sixteen_bit_grey_with_a_transparent_level():
    values = np.full((8, 8), 1000)
    values[0] = 300
    made = photo(sixteen_bit_png(values, 0, clear=b"\x01\x2c"))
    assert (made.pixels[0] == 255).all()
    assert (made.pixels[1:] == 4).all()
    assert made.notes[0] == "from 16 bits, alpha over white"


def test_sixteen_bit_colour_keeps_the_upper_eight(corners):
    made = photo(sixteen_bit_png(corners.astype(np.uint16) * 257, 2))
    assert np.array_equal(made.pixels, corners)
    assert made.notes == ("from 16 bits",)


def test_sixteen_bit_colour_with_a_transparent_one(corners):
    wide = corners.astype(np.uint16) * 257
    made = photo(sixteen_bit_png(wide, 2, clear=wide[0, 0].astype(">u2").tobytes()))
    assert (made.pixels[:8, :8] == 255).all()
    assert np.array_equal(made.pixels[8:], corners[8:])


def test_sixteen_bit_pgm():
    values = np.linspace(0, 65535, 16 * 16).astype(np.uint16).reshape(16, 16)
    data = b"P5 16 16 65535 " + values.astype(">u2").tobytes()
    assert np.array_equal(photo(data).pixels[:, :, 0], np.rint(values / 257))
    dark = b"P5 16 16 65535 " + np.full((16, 16), 257 * 2, ">u2").tobytes()
    assert (photo(dark).pixels == 2).all()
    darker = b"P5 16 16 65535 " + np.full((16, 16), 200, ">u2").tobytes()
    assert (photo(darker).pixels == 1).all()  # the file says 65535, however small its numbers


@pytest.mark.parametrize(
    ("values", "black", "white", "note"),
    [
        ([0, 1], 0, 1, "from floats, 1 taken as white"),
        ([0, 0.25], 0, 1, "from floats, 1 taken as white"),
        ([0, 200], 0, 255, "from floats, 255 taken as white"),
        ([0, 40000], 0, 65535, "from 16 bits"),
        ([-3, 5], -3, 5, "from floats, stretched from -3 to 5"),
        ([70000, 70000], 70000, 70001, "from floats, stretched from 70000 to 70000"),
    ],
)
def test_floats(encode, values, black, white, note):
    data = np.linspace(*values, 256, dtype=np.float32).reshape(16, 16)
    made = photo(encode(data, "TIFF"))
    assert np.array_equal(made.pixels[:, :, 0], np.rint((data.astype(float) - black) * (255 / (white - black))))
    assert made.notes == (note, "from greyscale")


def test_floats_that_are_not_finite_are_black_and_counted(encode):
    data = np.full((16, 16), 0.5, np.float32)
    data[0, 0], data[0, 1] = np.nan, np.inf
    made = photo(encode(data, "TIFF"))
    assert made.pixels[0, :3, 0].tolist() == [0, 0, 128]
    assert "2 values that are not finite shown black" in made.notes[0]


def test_wide_integers(encode):
    data = np.linspace(0, 10**6, 256).astype(np.int32).reshape(16, 16)
    made = photo(encode(data, "TIFF"))
    assert (made.pixels[0, 0, 0], made.pixels[-1, -1, 0]) == (0, 255)
    assert made.notes[0] == "from integers, stretched from 0 to 1e+06"
    assert photo(encode(data % 256, "TIFF")).notes[0] == "from integers, 255 taken as white"


def test_lab(encode):
    made = photo(encode(Image.new("LAB", (16, 16), (138, 208, 198)), "TIFF"))
    red, _, blue = made.pixels[0, 0].tolist()
    assert red > blue + 100  # not the bytes of Lab taken as RGB
    assert made.notes == ("from LAB",)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_many_frames_the_first_is_shown(encode, corners, kind):
    others = [Image.fromarray(255 - corners), Image.fromarray(corners // 2)]
    options = {"lossless": True} if kind == "WEBP" else {}
    made = photo(encode(corners, kind, save_all=True, append_images=others, **options))
    assert np.abs(made.pixels.astype(int) - corners).max() <= 1
    assert made.notes[0] == "frame 1 of several"


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
def test_a_broken_second_frame_does_not_keep_us_from_the_first(encode, corners, kind):
    whole = encode(corners, kind, save_all=True, append_images=[Image.fromarray(255 - corners)])
    made = photo(whole[:-40] + bytes(40))
    assert np.array_equal(made.pixels, corners)


def test_a_picture_of_pillow_is_developed_like_its_file(encode, corners):
    data = encode(Image.fromarray(corners).convert("LA"), exif=exif(3))
    given = from_picture(Image.open(io.BytesIO(data)), id="p", source="p")
    assert np.array_equal(given.pixels, photo(data).pixels)
    assert given.notes == photo(data).notes


def test_arrays(corners):
    made = from_array(corners, id="a", source="a")
    assert np.array_equal(made.pixels, corners)
    assert made.notes == ()
    assert made.sha256 == from_picture_of(corners).sha256
    floats = from_array(corners / 255, id="a", source="a")
    assert np.array_equal(floats.pixels, corners)
    assert floats.notes == ("from floats, 1 taken as white",)
    assert (from_array(np.full((8, 8), 0.4999 + 1 / 255), id="", source="").pixels == 128).all()  # 128.47
    assert (from_array(np.full((8, 8), np.float32(0.999)), id="", source="").pixels == 255).all()  # 254.75
    grey = from_array(corners[:, :, 0], id="a", source="a")
    assert np.array_equal(grey.pixels, np.repeat(corners[:, :, :1], 3, 2))
    assert grey.notes == ("from greyscale",)
    assert np.array_equal(from_array(corners[::-1, ::2], id="a", source="a").pixels, corners[::-1, ::2])


def test_a_photo_does_not_follow_its_array(corners):
    array = corners.copy()
    made = from_array(array, id="a", source="a")
    array[:] = 0
    assert np.array_equal(made.pixels, corners)


def test_the_digest_of_an_array_knows_its_shape():
    flat = np.zeros((8, 16, 3), np.uint8)
    assert from_array(flat, id="", source="").sha256 != from_array(flat.reshape(16, 8, 3), id="", source="").sha256
