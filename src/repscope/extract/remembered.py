"""Remembered: an encoder that says what it has said before without looking again."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import RLock
from typing import Any, final

import numpy as np

from repscope.encoders import Contract, Encoder
from repscope.encoders.contract import Precision
from repscope.encoders.encoder import Framing
from repscope.errors import Unsupported
from repscope.images import Photo
from repscope.tokens import Tokens

MOST = 1 << 30
Key = tuple[str, int, Framing]
"""What is shown, as `_name` says, the layer or block, and the framing."""


@final
class Remembered:
    """An encoder behind a memory: every photo, layer and framing is encoded once, until there are too many.

    What is forgotten first was asked for longest ago. A photo may be encoded in another batch than it would
    be without the memory, so its tokens are the same to rounding. Calls from several threads wait for each other.

    Attributes:
        precision: That of the encoder's matrix products.
        layout: What the encoder was held against when it was loaded.
        forwards: Photos that went through the encoder so far, attention not counted.
        most: Bytes of tokens, and as many again of attention, that are kept.
    """

    def __init__(self, encoder: Encoder, most: int = MOST):
        self.encoder, self.contract, self.most, self.forwards = encoder, encoder.contract, most, 0
        self.precision: Precision = getattr(encoder, "precision", "float32")
        self.layout: str = getattr(encoder, "layout", "")
        self._tokens: OrderedDict[Key, Tokens] = OrderedDict()
        self._attention: OrderedDict[Key, Any] = OrderedDict()
        self._attended: set[Key] = set()
        self._lock = RLock()

    @property
    def revision(self) -> str:
        return self.encoder.revision

    def under(self, contract: Contract) -> Encoder:
        """The encoder under another contract, which remembers nothing; raises Unsupported where there is none."""
        ask = getattr(self.encoder, "under", None)
        if ask is None:
            raise Unsupported(f"{self.contract.name} was not loaded by repscope: it prepares photos in its own way.")
        return ask(contract)

    def exact(self) -> Encoder | None:
        """The encoder in float32, without a memory; None where it has none."""
        ask = getattr(self.encoder, "exact", None)
        return None if ask is None else ask()

    def __call__(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        """As the encoder; only photos of which some layer is not known go through it."""
        return self._said(photos, layers, framing, self.encoder, set())

    def attending(
        self, photos: Sequence[Photo], layers: Sequence[int] = (-1,), framing: Framing = "square"
    ) -> tuple[Tokens, ...]:
        """As the encoder; photos of which it has not been asked yet what they receive of attention go through it."""
        ask = getattr(self.encoder, "attending", None)
        if ask is None:
            return self(photos, layers, framing)
        with self._lock:
            unasked = {
                key for p in photos for layer in layers if (key := (_name(p), layer, framing)) not in self._attended
            }
            said = self._said(photos, layers, framing, ask, unasked)
            self._attended = {*self._attended, *unasked} & self._tokens.keys()
            return said

    def _said(
        self, photos: Sequence[Photo], layers: Sequence[int], framing: Framing, encoder: Any, anew: set[Key]
    ) -> tuple[Tokens, ...]:
        with self._lock:
            known = {key: tokens for key, tokens in self._tokens.items() if key not in anew}
            found = {(_name(p), layer): known.get((_name(p), layer, framing)) for p in photos for layer in layers}
            unknown = [p for p in photos if any(found[_name(p), layer] is None for layer in layers)]
            unknown = list({_name(photo): photo for photo in unknown}.values())
            if unknown or not photos:
                self.forwards += len(unknown)
                for layer, said in zip(layers, encoder(unknown, layers, framing), strict=True):
                    for place, photo in enumerate(unknown):
                        found[_name(photo), layer] = self._tokens[_name(photo), layer, framing] = _one(said, place)
            for photo in photos:
                for layer in layers:
                    self._tokens.move_to_end((_name(photo), layer, framing))
            _forget(self._tokens, self.most, _size)
            return tuple(_together([found[_name(p), layer] for p in photos]) for layer in layers)  # type: ignore[misc]

    def attention(self, photos: Sequence[Photo], block: int, framing: Framing = "square") -> Any:
        """As the encoder, photo by photo; raises Unsupported where it gives none away."""
        ask = getattr(self.encoder, "attention", None)
        if ask is None:
            raise Unsupported(f"{self.contract.name} gives no attention away.")
        with self._lock:
            maps = []
            for photo in photos:
                key = _name(photo), block, framing
                if key not in self._attention:
                    self._attention[key] = ask((photo,), block, framing)[0]
                self._attention.move_to_end(key)
                maps.append(self._attention[key])
            _forget(self._attention, self.most, lambda weights: weights.nbytes)
            return np.stack(maps)


def _name(photo: Photo) -> str:
    """Photos of the same bytes are shown alike where they are of one pace."""
    return photo.sha256 if photo.pace == "exact" else f"{photo.sha256} {photo.pace}"


def _one(tokens: Tokens, place: int) -> Tokens:
    """One photo of a batch, in memory of its own: a view would keep the whole batch."""

    def cut(values: Any) -> Any:
        return None if values is None else values[place : place + 1].copy()

    return replace(
        tokens,
        patches=cut(tokens.patches),
        registers=cut(tokens.registers),
        cls=cut(tokens.cls),
        frames=cut(tokens.frames),
        received=cut(tokens.received),
        frame=tokens.frame[place : place + 1],
    )


def _together(each: Sequence[Tokens]) -> Tokens:
    """Photos as one batch."""

    def joined(name: str) -> Any:
        parts = [getattr(tokens, name) for tokens in each]
        return None if any(part is None for part in parts) else np.concatenate(parts)

    return replace(
        each[0],
        patches=joined("patches"),
        registers=joined("registers"),
        cls=joined("cls"),
        frames=joined("frames"),
        received=joined("received"),
        frame=tuple(frame for tokens in each for frame in tokens.frame),
    )


def _size(tokens: Tokens) -> int:
    return sum(
        part.nbytes for part in (tokens.patches, tokens.registers, tokens.cls, tokens.frames) if part is not None
    )


def _forget(known: OrderedDict[Any, Any], most: int, size: Any) -> None:
    total = sum(map(size, known.values()))
    while total > most and len(known) > 1:
        total -= size(known.popitem(last=False)[1])
