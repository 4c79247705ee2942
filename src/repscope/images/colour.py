"""Colour: any picture Pillow can hold, as sRGB without alpha, and what was done to it."""

import io
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np
from PIL import Image, ImageCms

Move = Callable[[Image.Image], Image.Image]
"""From the pixels of a profile to sRGB."""

WHITES = {"I": (255.0, 65535.0), "F": (1.0, 255.0, 65535.0)}
"""What may be white in a picture of wide numbers that does not say so: the least of these that holds them all."""

SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
"""Colour space of a profile -> Pillow's mode of its pixels."""

GREY = {"1", "L", "LA", "La"}
"""Modes whose colours are greys."""


def in_srgb(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture in mode RGB, and a note for each thing that was done to it.

    Order matters: wide numbers become grey levels, alpha is set aside, the profile moves the
    colours to sRGB, and only then is the picture laid over white. Raises ValueError for pixels
    that have no colour, OSError for a picture that is cut off.
    """
    wide = _is_wide(image)
    image.load()
    profile, notes = image.info.get("icc_profile"), []
    if image.mode in WHITES or image.mode.startswith("I;16"):
        image, note = _narrowed(image)
        notes.append(note)
    elif wide:
        notes.append("from 16 bits")
    if image.mode in GREY:
        notes.append("from black and white" if image.mode == "1" else "from greyscale")
    elif image.mode in ("P", "PA"):
        notes.append("from a palette")
    elif image.mode not in ("RGB", "RGBA", "RGBX", "RGBa"):
        notes.append(f"from {image.mode}")

    alpha, grey = None, image.mode in GREY
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    if alpha is not None or image.mode in ("1", "P", "RGBX"):
        image = image.convert("RGB")
    image, note = _through(profile, image, grey) if profile else (image, "")
    if note:
        notes.append(note)
    if image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=alpha)
        image = white
        notes.append("alpha over white")
    return image, tuple(notes)


def stays(image: Image.Image) -> bool:
    """Whether `in_srgb` leaves the levels of a picture in RGB or grey as they are."""
    profile = image.info.get("icc_profile")
    if not profile:
        return True
    try:
        mode, _, move = _way(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError, TypeError):
        return False  # left out, but with a note
    return mode == "RGB" and move is None


def _is_wide(image: Image.Image) -> bool:
    """Whether the file holds 16 bits a channel, of which Pillow will load the upper eight."""
    return any(f";16{order}" in str(tile[3]) for tile in getattr(image, "tile", ()) for order in "BLN")


def _narrowed(image: Image.Image) -> tuple[Image.Image, str]:
    """Integers or floats as 256 grey levels, black at 0; where no known white holds them, stretched."""
    values, clear = np.asarray(image).astype(np.float64), image.info.get("transparency")
    finite = np.isfinite(values)
    if not finite.any():
        raise ValueError("none of its values is finite")
    low, high = values[finite].min(), values[finite].max()
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        white = 65535.0
    else:
        white = next((w for w in WHITES[image.mode] if low >= 0 and high <= w), None)
    kind = "floats" if image.mode == "F" else "integers"
    if white is None:
        black, span, note = low, (high - low) or 1.0, f"from {kind}, stretched from {low:g} to {high:g}"
    else:
        black, span, note = 0.0, white, "from 16 bits" if white == 65535 else f"from {kind}, {white:g} taken as white"
    if not finite.all():
        values = np.where(finite, values, black)
        note += f", {(~finite).sum()} values that are not finite shown black"
    # Rounded, not cut: 65535 levels fall evenly into 256.
    levels = np.rint((values - black) * (255 / span)).clip(0, 255).astype(np.uint8)
    if isinstance(clear, int):
        levels[values == clear] = 255  # a grey that stands for nothing: white, as alpha over white is
        note += ", alpha over white"
    return Image.fromarray(levels), note


def _through(profile: bytes, image: Image.Image, grey: bool) -> tuple[Image.Image, str]:
    """The picture moved from its profile to sRGB, and the note; a profile that does not fit is left out."""
    try:
        mode, name, move = _way(profile)
        fits = {"RGB": image.mode not in ("CMYK", "LAB"), "L": grey}.get(mode, image.mode == mode)
        if not fits:
            return image, f"colour profile ignored: it is for {mode}, the pixels are {image.mode}"
        if move is None:
            return image, ""
        return move(image if image.mode == mode else image.convert(mode)), f"colours from profile {name!r}"
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError, TypeError):
        return image, "colour profile ignored: broken"


@lru_cache(maxsize=16)
def _way(profile: bytes) -> tuple[str, str, Move | None]:
    """Mode, name and way to sRGB of a profile; no way for one that is sRGB under some name."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    about: Any = opened.profile  # its stub knows only the file it may have come from
    name = " ".join((about.profile_description or "without a name").split())[:60]
    mode = SPACES[about.xcolor_space.strip()]
    # NOCACHE: without it a transform must not be shared by threads. NOOPTIMIZE: the optimised way
    # of a grey curve is off by up to ten levels in the dark; of 256 greys the exact one costs nothing.
    flags = ImageCms.Flags.NOCACHE | (ImageCms.Flags.NOOPTIMIZE if mode == "L" else 0)
    transform = ImageCms.buildTransform(
        opened, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.PERCEPTUAL, ImageCms.Flags(flags)
    )
    if mode == "L":
        greys = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
        table = np.asarray(_moved(greys, transform))[0]
        return mode, name, lambda image: Image.fromarray(table[np.asarray(image)])
    same = mode == "RGB" and _is_identity(transform)
    return mode, name, None if same else partial(_moved, transform=transform)


def _moved(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    return ImageCms.applyTransform(image, transform) or image  # the stub says None, which is for in-place use


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a lattice of 9 x 9 x 9 colours comes out as it went in, to two levels.

    Dozens of profiles are sRGB; going through them would only add rounding to the pixels that
    every published preprocessing takes as they are.
    """
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(27, 27, 3)
    moved = np.asarray(_moved(Image.fromarray(lattice), transform))
    return bool(np.abs(moved.astype(int) - lattice).max() <= 2)
