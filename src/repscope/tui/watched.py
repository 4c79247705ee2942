"""Watched: an encoder that says when it looks at photos, and can be stopped before it does."""

from collections.abc import Callable, Sequence
from typing import Any, final

from repscope.encoders import Encoder
from repscope.encoders.contract import Precision
from repscope.encoders.encoder import Framing
from repscope.errors import Unsupported
from repscope.images import Photo
from repscope.tokens import Tokens


@final
class Watched:
    """An encoder and somebody who is told its name and how many photos come; the listener may raise Stopped."""

    def __init__(self, encoder: Encoder):
        self.encoder, self.contract = encoder, encoder.contract
        self.listener: Callable[[str, int], None] | None = None

    @property
    def revision(self) -> str:
        return self.encoder.revision

    @property
    def precision(self) -> Precision:
        return getattr(self.encoder, "precision", "float32")

    def exact(self) -> "Watched | None":
        """The encoder in float32, watched by the same; None where it has none."""
        ask = getattr(self.encoder, "exact", None)
        made = None if ask is None else ask()
        if made is None:
            return None
        watched = Watched(made)
        watched.listener = self.listener
        return watched

    def tell(self, count: int) -> None:
        if self.listener is not None:
            self.listener(self.contract.name, count)

    def __call__(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        self.tell(len(photos))
        return self.encoder(photos, layers, framing)

    def attending(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        self.tell(len(photos))
        return (getattr(self.encoder, "attending", None) or self.encoder)(photos, layers, framing)

    def attention(self, photos: Sequence[Photo], block: int, framing: Framing = "square") -> Any:
        ask = getattr(self.encoder, "attention", None)
        if ask is None:
            raise Unsupported(f"{self.contract.name} gives no attention away.")
        self.tell(len(photos))
        return ask(photos, block, framing)
