"""Plain: a JPEG that needs nothing but decoding, by libjpeg-turbo without Pillow in between."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repscope.images.colour import stays

Developed = tuple[NDArray[np.uint8], tuple[str, ...]]


def developed(data: bytes, image: Image.Image) -> Developed | None:
    """Its pixels and notes, those that Pillow would give; None for every file that is not plain.

    Plain is a JPEG of 8 bits, in colour or grey, without a profile that moves its colours, and whole: at the
    slightest complaint of the decoder Pillow is asked, which says what is wrong or makes do. Pillow read the header.
    """
    if image.format != "JPEG" or image.mode not in ("RGB", "L") or not stays(image):
        return None
    import simplejpeg

    try:
        pixels = simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False, strict=True)
    except Exception:  # whatever it is, Pillow has a word for it
        return None
    if pixels.shape != (image.height, image.width, 3):
        return None
    return pixels, ("from greyscale",) if image.mode == "L" else ()
