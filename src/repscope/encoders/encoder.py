"""Encoder: photos in, tokens out; the one type every analysis talks to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from repscope.encoders.contract import Contract, Precision
from repscope.frames import Frame
from repscope.images.photo import Photo
from repscope.tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor

Framing = Literal["square", "official"]


class Encoder(Protocol):
    """Anything that has a contract and turns photos into tokens.

    Attributes:
        contract: What it expects and promises.
        revision: Where the weights came from and their SHA-256: enough to find them again.
    """

    contract: Contract

    @property
    def revision(self) -> str: ...

    def __call__(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        """Tokens at each asked layer, in the order asked; row b of each is photo b.

        `square` shows every encoder the same central square of the photo, scaled by its own
        filter to its own size; `official` applies its published transform.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Photos made ready for an encoder: what it is shown of each, one batch.

    Attributes:
        pixels: (B, 3, S, S) float32, normalised; (B, 3, T, S, S) for a video encoder.
        frames: The part of its photo that each image shows, B of them.
    """

    pixels: "Tensor"
    frames: tuple[Frame, ...]


class Staged(Encoder, Protocol):
    """An encoder whose call is two steps, so that the next photos are made ready while it looks at these.

    `encoder(photos, layers, framing)` is `encoder.tokens(encoder.shown(photos, framing), layers)`, to the bit. All that
    `load` gives are of this kind.

    Attributes:
        precision: Of its matrix products.
    """

    @property
    def precision(self) -> Precision: ...

    def shown(self, photos: Sequence[Photo], framing: Framing = "square") -> Shown:
        """The photos as pixels: scaled, cut and normalised, without the network; safe in any thread."""
        ...

    def tokens(self, shown: Shown, layers: Sequence[int] = (-1,)) -> tuple[Tokens, ...]:
        """Tokens at each asked layer of what was shown: the forward."""
        ...
