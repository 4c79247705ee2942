"""Image files made in memory: pictures whose pixels are known, and the colour profiles of no device."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

Bytes = Callable[..., bytes]


def _encode(picture: Image.Image | np.ndarray, format: str = "PNG", **options: object) -> bytes:  # noqa: A002
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def encode() -> Bytes:
    """A picture or array as the bytes of a file."""
    return _encode


@pytest.fixture(scope="session")
def corners() -> np.ndarray:
    """(24, 40, 3): grey, with a corner each of red, green, blue and white, so that no turn looks like another."""
    pixels = np.full((24, 40, 3), 90, np.uint8)
    pixels[:8, :8], pixels[:8, -8:] = (255, 0, 0), (0, 255, 0)
    pixels[-8:, :8], pixels[-8:, -8:] = (0, 0, 255), 255
    return pixels


@pytest.fixture(scope="session")
def smooth() -> np.ndarray:
    """(48, 64, 3) slow gradients: what JPEG keeps to a few levels."""
    rows, columns = np.mgrid[0:1:48j, 0:1:64j]
    return np.rint(np.stack([255 * rows, 255 * columns, 128 + 60 * rows], -1)).astype(np.uint8)


def _tags(space: bytes, connection: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    """An ICC profile, version 2.4, with these tags and the two it must have."""
    name = b"of a test\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + _fixed(0.9642, 1, 0.8249),
        **tags,
    }
    body, table, at = b"", struct.pack(">I", len(tags)), 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data
    header = struct.pack(">I4sI4s4s4s", at + len(body), b"none", 0x02400000, kind, space, connection)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(0.9642, 1, 0.8249)
    return header.ljust(128, b"\0") + table + body


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(n * 65536) for n in numbers))


LINEAR = b"curv" + bytes(8)
SRGB_PRIMARIES = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))


@pytest.fixture(scope="session")
def rgb_profile() -> Callable[..., bytes]:
    """A linear RGB profile whose channels have these of sRGB's primaries: (1, 0, 2) swaps red and green."""

    def made(order: tuple[int, int, int] = (0, 1, 2)) -> bytes:
        names = (b"rXYZ", b"gXYZ", b"bXYZ")
        tags = {n: b"XYZ " + bytes(4) + _fixed(*SRGB_PRIMARIES[k]) for n, k in zip(names, order, strict=True)}
        return _tags(b"RGB ", b"XYZ ", tags | {b"rTRC": LINEAR, b"gTRC": LINEAR, b"bTRC": LINEAR})

    return made


@pytest.fixture(scope="session")
def grey_profile() -> bytes:
    """Linear greys."""
    return _tags(b"GRAY", b"XYZ ", {b"kTRC": LINEAR})


@pytest.fixture(scope="session")
def cmyk_profile() -> bytes:
    """A printer whose cyan ink is red, and whose other inks are invisible."""
    ramp = bytes(range(256))
    cells = b"".join(bytes((138, 209, 198)) if cyan else bytes((255, 128, 128)) for cyan in (0, 1) for _ in range(8))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + 4 * ramp + cells + 3 * ramp
    return _tags(b"CMYK", b"Lab ", {b"A2B0": table}, kind=b"prtr")
