"""Encoder: photos in, tokens out; the one type every analysis talks to."""

from collections.abc import Sequence
from typing import Literal, Protocol

from repscope.encoders.contract import Contract
from repscope.images.photo import Photo
from repscope.tokens import Tokens

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
