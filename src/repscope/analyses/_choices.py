"""Choices: what of a comparison could as well have been otherwise, and should not matter to what it finds.

A choice makes another encoder of an encoder: the same weights under another contract, behind photos cropped otherwise,
in another precision, or asked at another layer. What looks at photos does not know of choices.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, get_args

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from repscope.encoders import Contract, Encoder, load
from repscope.encoders.contract import Filter, Precision
from repscope.encoders.encoder import Framing
from repscope.errors import Unsupported
from repscope.frames import Frame
from repscope.images import Photo
from repscope.tokens import Tokens

COSTLY = 4e12
"""Operations on a photo from which on more frames are not tried: a quarter of a minute and more on a CPU."""


@dataclass(frozen=True, slots=True)
class Variant:
    """An encoder under a choice, and the layer to ask it at."""

    encoder: Encoder
    layer: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One way in which a comparison could have been otherwise.

    Attributes:
        kind: What is chosen: "filter".
        name: How: "bilinear".
        vary: From an encoder and a layer to its variant; None where it is so already, or there is nothing to choose.
            Raises a RepscopeError that says why it cannot be had.
        about: What is done, in a few words.
    """

    kind: str
    name: str
    vary: Callable[[Encoder, int], Variant | None]
    about: str

    @property
    def title(self) -> str:
        return f"{self.kind}: {self.name}"


def _under(encoder: Encoder, contract: Contract) -> Encoder:
    """The same weights under another contract."""
    ask = getattr(encoder, "under", None)
    if ask is None:
        raise Unsupported(f"{encoder.contract.name} was not loaded by repscope: it prepares photos in its own way.")
    return ask(contract)


def _filter(name: Filter) -> Choice:
    def vary(encoder: Encoder, layer: int) -> Variant | None:
        rule = encoder.contract.preprocessing
        if rule.filter == name:
            return None
        return Variant(_under(encoder, replace(encoder.contract, preprocessing=replace(rule, filter=name))), layer)

    return Choice("filter", name, vary, "scales photos")


def _crop(share: float) -> Choice:
    about = "the middle of the photo" if share < 1 else "the photo with a mirrored border"
    return Choice("crop", f"{share:.0%}", lambda encoder, layer: Variant(Cropped(encoder, share), layer), about)


def _frames(count: int) -> Choice:
    def vary(encoder: Encoder, layer: int) -> Variant | None:
        contract = encoder.contract
        if contract.frames in (0, count):
            return None
        if count % contract.architecture.tubelet:
            raise Unsupported(f"{contract.name} takes {contract.architecture.tubelet} frames at a time.")
        if (cost := operations(contract, count)) > COSTLY:
            raise Unsupported(f"{contract.name} would need {cost:.1e} operations a photo; {COSTLY:.0e} are tried.")
        return Variant(_under(encoder, replace(contract, frames=count)), layer)

    return Choice("frames", str(count), vary, "of a still image")


def operations(contract: Contract, frames: int) -> float:
    """Of one image repeated to so many frames: a multiplication and an addition each."""
    return 2 * contract.architecture.multiply_adds(replace(contract, frames=frames).patches)


def _precision(name: Precision) -> Choice:
    def vary(encoder: Encoder, layer: int) -> Variant | None:
        if getattr(encoder, "precision", name) == name:
            return None
        device = str(getattr(getattr(encoder, "network", None), "device", "cpu"))
        other = load(encoder.contract.name, name, device)
        if _digest(other) != _digest(encoder):
            raise Unsupported(f"{encoder.contract.name} names other weights than those of this encoder.")
        return Variant(other, layer)

    return Choice("precision", name, vary, "of matrix products")


def _digest(encoder: Encoder) -> str:
    return encoder.revision.rpartition("sha256 ")[2]


def _before(encoder: Encoder, layer: int) -> Variant | None:
    """The output without the last block, its final norm taken; of a layer within, the one before."""
    form = encoder.contract.architecture
    if layer == -1 and form.depth > 1:
        shallower = replace(encoder.contract, architecture=replace(form, depth=form.depth - 1))
        with suppress(Unsupported):  # then it is asked a layer within
            return Variant(_under(encoder, shallower), -1)
    last = form.depth if layer == -1 else layer
    return Variant(encoder, last - 1) if last > 0 else None


CHOICES: tuple[Choice, ...] = (
    *(_filter(name) for name in get_args(Filter)),
    _crop(0.9),
    _crop(1.1),
    *(_frames(count) for count in (2, 8, 16, 64)),
    *(_precision(name) for name in get_args(Precision)),
    Choice("layer", "one before", _before, "one block earlier, the final norm taken"),
)
"""All that is tried, in this order."""


class Cropped:
    """An encoder that is shown photos cropped about their middle, or continued by their mirror image."""

    def __init__(self, encoder: Encoder, share: float):
        self.encoder, self.share = encoder, share
        self.contract = encoder.contract

    @property
    def revision(self) -> str:
        return self.encoder.revision

    def __call__(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        """Tokens of the cropped photos; their frames are parts of the photos as they were, and may reach past them."""
        others = [_cropped(photo, self.share) for photo in photos]
        said = self.encoder(others, layers, framing)
        pairs = list(zip(photos, others, strict=True))
        return tuple(replace(each, frame=tuple(map(_moved, pairs, each.frame))) for each in said)


def _cropped(photo: Photo, share: float) -> Photo:
    """Another photo, under a digest of its own: whoever remembers photos by theirs must not take it for the first."""
    digest = sha256(f"{photo.sha256} at {share}".encode()).hexdigest()
    return replace(photo, pixels=cropped(photo.pixels, share), sha256=digest)


def cropped(pixels: UInt8[NDArray[Any], "H W 3"], share: float) -> UInt8[NDArray[Any], "h w 3"]:
    """The middle of a photo, or the photo with a mirrored border.

    >>> cropped(np.zeros((100, 40, 3), np.uint8), 0.9).shape, cropped(np.zeros((100, 40, 3), np.uint8), 1.1).shape
    ((90, 36, 3), (110, 44, 3))
    """
    rows, columns = (round(abs(1 - share) / 2 * side) for side in pixels.shape[:2])
    if share > 1:
        return np.pad(pixels, ((rows, rows), (columns, columns), (0, 0)), mode="symmetric")
    return pixels[rows : len(pixels) - rows, columns : pixels.shape[1] - columns]


def _moved(photos: tuple[Photo, Photo], frame: Frame) -> Frame:
    """A frame of the second photo, as part of the first, with which it shares its middle."""
    across, down = (other / one for one, other in zip(photos[0].size, photos[1].size, strict=True))
    return Frame(
        0.5 + (frame.left - 0.5) * across,
        0.5 + (frame.top - 0.5) * down,
        0.5 + (frame.right - 0.5) * across,
        0.5 + (frame.bottom - 0.5) * down,
    )
