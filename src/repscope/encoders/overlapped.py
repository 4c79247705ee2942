"""Overlapped: an encoder's work in two halves, so that photos can be made ready while it looks at others."""

from collections.abc import Sequence
from typing import Any

from repscope.encoders.encoder import Encoder, Framing
from repscope.images.photo import Photo
from repscope.tokens import Tokens


def shown(encoder: Encoder, photos: Sequence[Photo], framing: Framing) -> Any:
    """What the encoder is to be shown, ready made where it has a `shown` of its own; in any thread."""
    ask = getattr(encoder, "shown", None)
    return (tuple(photos), framing) if ask is None else ask(photos, framing)


def looked(encoder: Encoder, ready: Any, layers: Sequence[int]) -> tuple[Tokens, ...]:
    """What the encoder says of it."""
    ask = getattr(encoder, "tokens", None)
    if ask is not None:
        return ask(ready, layers)
    photos, framing = ready
    return encoder(photos, layers, framing)
