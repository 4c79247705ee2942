"""Decode: the bytes of an image file, or an array, made a photo; or the reason why not."""

import hashlib
import io
import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repscope.errors import UnreadableImage
from repscope.images import plain
from repscope.images.colour import in_srgb
from repscope.images.pace import Pace
from repscope.images.photo import Photo
from repscope.images.quiet import quiet

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "JPEG2000", "AVIF", "PPM", "ICO")
"""What is tried. Pillow knows more, some by starting other programs (EPS): nothing for strangers' files."""

PIXELS = 150_000_000
"""The most pixels that are decoded: about a gigabyte of memory on the way."""

SCANS = 500
"""The most passes over its pixels that a JPEG may want; programs write about ten."""

SHORTEST, SLIMMEST = 8, 50
"""Least side in pixels, and greatest ratio of the sides, of a photo that an encoder can be shown."""

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

OTHERS = (
    (rb"^.{4}ftyp(hei|hev|mif1|msf1)", "it is HEIC; export it as JPEG or PNG"),
    (rb"^%PDF", "it is a PDF; export the page as PNG"),
    (rb"(?i)^\s*<(!doctype html|html)", "it is a web page; download the image itself"),
    (rb"^\s*<(.*<)?svg\b", "it is an SVG drawing; export it as PNG"),
    (rb"^version https://git-lfs", "it is a Git LFS pointer; run `git lfs pull`"),
    (rb"^(PK\x03\x04|\x1f\x8b|Rar!|7z\xbc)", "it is an archive; unpack it first"),
    (rb"^[^\x00-\x08\x0b\x0c\x0e-\x1f\xc0\xc1\xf5-\xff]+$", "it is text; check that this is the right file"),
)
"""Beginnings of files that people take for images, and what they can do."""


def decode(data: bytes, *, id: str, source: str, pace: Pace = "exact") -> Photo:  # noqa: A002  the photo's own word
    """The photo in the bytes of an image file: upright, in sRGB, without alpha; of many frames the first.

    The fast pace decodes plain JPEGs without Pillow, to the same pixels where both have libjpeg-turbo, and leaves all
    other files to it. What is refused is refused in either, in the same words.

    Raises UnreadableImage, which says what to do, for what is no image, is cut off or broken, or
    has a size that cannot be shown.
    """
    if not data:
        raise UnreadableImage(f"{source}: the file is empty (0 bytes); copy or download it again.")
    if data[:2] == b"\xff\xd8" and data.count(b"\xff\xda") > SCANS:
        raise UnreadableImage(f"{source}: it is a JPEG of over {SCANS} scans, made to keep computers busy; convert it.")
    with quiet:
        image = _opened(data, source)
        _check_size(*image.size, source)
        quick = plain.developed(data, image) if pace == "fast" and _orientation(image) not in TURNS else None
        pixels, notes = quick or _developed(image, source)
        pixels.flags.writeable = False
    return Photo(id, pixels, source, hashlib.sha256(data).hexdigest(), notes, pace)


def from_picture(image: Image.Image, *, id: str, source: str) -> Photo:  # noqa: A002
    """The photo in a picture that Pillow has opened or made; its digest is that of shape and pixels.

    Raises UnreadableImage as `decode` does.
    """
    _check_size(*image.size, source)
    with quiet:
        pixels, notes = _developed(image, source)
    return Photo(id, pixels, source, _digest(pixels), notes)


def from_array(array: NDArray[np.generic], *, id: str, source: str) -> Photo:  # noqa: A002
    """The photo in an array: (H, W, 3) or (H, W), uint8, or floats in 0..1.

    The pixels are copied: changing the array afterwards does not change the photo. Raises
    UnreadableImage for another shape, type or range.
    """
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise UnreadableImage(f"{source}: wanted (H, W, 3) or (H, W), got {array.shape}; {_mend(array.shape)}.")
    height, width = array.shape[:2]
    _check_size(width, height, source)
    notes: tuple[str, ...] = ()
    if np.issubdtype(array.dtype, np.floating):
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= 1):  # also where it is not a number
            raise UnreadableImage(
                f"{source}: floats must lie in 0..1, got {low:g} to {high:g}; divide by 255, or undo the normalisation."
            )
        array, notes = np.rint(array.astype(np.float64) * 255), ("from floats, 1 taken as white",)
    elif array.dtype != np.uint8:
        raise UnreadableImage(f"{source}: wanted uint8, or floats in 0..1, got {array.dtype}; convert with .astype().")
    if array.ndim == 2:
        array, notes = np.repeat(array[:, :, None], 3, axis=2), (*notes, "from greyscale")
    pixels = np.array(array, dtype=np.uint8, order="C")
    pixels.flags.writeable = False
    return Photo(id, pixels, source, _digest(pixels), notes)


def _opened(data: bytes, source: str) -> Image.Image:
    """The picture's header read, its pixels not yet."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise UnreadableImage(f"{source}: it claims too many pixels to decode safely; make it smaller first.") from None
    except Exception as error:  # on a broken header Pillow's plugins raise whatever they stumble over
        raise UnreadableImage(f"{source}: {_guess(data)}.") from error


def _guess(data: bytes) -> str:
    """What the file may be instead, and what to do."""
    for beginning, advice in OTHERS:
        if re.search(beginning, data[:512], re.DOTALL):
            return f"not an image: {advice}"
    return "not an image that can be read here; give a JPEG, PNG, WebP, TIFF, GIF, BMP or AVIF, or download it again"


def _mend(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        return "give the photos of a batch one by one, as list(batch)"
    if len(shape) == 3 and shape[0] == 3:
        return "put the channels last, as array.transpose(1, 2, 0)"
    if len(shape) == 3 and shape[2] == 4:
        return "leave the alpha channel out, as array[:, :, :3]"
    return "one array is one photo"


def _check_size(width: int, height: int, source: str) -> None:
    """Refuse what no encoder can be shown, before any pixel is decoded."""
    size, short, long = f"{width} x {height} pixels", min(width, height), max(width, height)
    if width * height > PIXELS:
        raise UnreadableImage(f"{source}: {size} are more than {PIXELS // 10**6} million; make it smaller first.")
    if short < SHORTEST:
        raise UnreadableImage(f"{source}: {size} are too few to show an encoder; each side must have {SHORTEST}.")
    if long > SLIMMEST * short:
        raise UnreadableImage(f"{source}: {size} are too slim to show an encoder; crop to at most {SLIMMEST} to 1.")


def _developed(image: Image.Image, source: str) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Pixels, upright and in sRGB, and the notes of what was done."""
    notes = [f"frame {image.tell() + 1} of several"] if _moves(image) else []
    # A TIFF is turned by Pillow while it loads, and then forgets that it had to be.
    turn = _orientation(image) if image.format == "TIFF" else 1
    try:
        rgb, done = in_srgb(image)
        left = _orientation(image)
        upright = rgb.transpose(TURNS[left]) if left in TURNS else rgb
        pixels = np.asarray(upright)
    except MemoryError:
        raise UnreadableImage(f"{source}: too little memory to decode it; make it smaller first.") from None
    except Exception as error:  # as above: a broken body
        cut = "truncated" in str(error)
        what = "the file is cut off" if cut else f"the file is broken ({error or type(error).__name__})"
        raise UnreadableImage(f"{source}: {what}; copy or download it again.") from error
    pixels.flags.writeable = False
    if (turn := max(turn, left)) in TURNS:
        notes.append(f"turned upright (EXIF orientation {turn})")
    return pixels, (*notes, *done)


def _moves(image: Image.Image) -> bool:
    """Whether there are more frames; a broken second one does not keep us from the first."""
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:
        return False


def _orientation(image: Image.Image) -> int:
    """As the EXIF data say; 1, upright, where they are missing or broken."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1


def _digest(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of shape and bytes: a 2 x 8 and an 8 x 2 picture of the same bytes are not the same."""
    return hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest()
