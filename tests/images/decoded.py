"""Files decoded, and stored as cameras turn them."""

import numpy as np
from PIL import Image

from repscope.images.decode import decode


def photo(data):
    return decode(data, id="photo", source="photo.file")


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


# Where the four corners (red, green, blue, white) of the upright picture stand in the stored one.
STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.transpose(1, 0, 2),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    8: lambda p: np.rot90(p, -1),
}
