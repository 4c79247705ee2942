"""Study: the photos and encoders of one question, and what was read of each photo."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.errors import RepscopeError, UnfitTokens
from repscope.extract import BATCH, Seen, asked, extract, in_canonical_order
from repscope.frames import Frame
from repscope.images import Photo, Skipped, gather
from repscope.images.pace import Pace
from repscope.tokens import Tokens

Progress = Callable[[int, int], None]
LOOKED = 4
"""Photos after which an encoder that tells no patches apart is taken to be broken, and not the photos."""


@dataclass(frozen=True, eq=False)
class View:
    """One photo under one encoder at one layer."""

    patches: Any  # (H, W, D)
    cls: Any  # (D,) or None
    embedding: Any  # (D,)
    frame: Frame
    layer: int
    received: Any = None  # (H, W) attention, where it was asked for and could be told


@dataclass(frozen=True, eq=False)
class Study:
    """Photos, encoders and how the one is shown to the other.

    Attributes:
        skipped: Photos that could not be used; looking adds those that gave tokens all alike.
        failed: Encoders that could not be used, with the reason.
        first: What was said of the first photos, where they have been looked at.
        pace: How photos are decoded and scaled.
        attended: So many photos, of those that were given first, of which attention is wanted.
        given: The photos as a command line would name them; None where it cannot.
    """

    photos: tuple[Photo, ...]
    encoders: tuple[Encoder, ...]
    framing: Framing = "square"
    layers: tuple[int, ...] = (-1,)
    batch: int = BATCH
    strict: bool = False
    skipped: list[Skipped] = field(default_factory=list)
    progress: Progress | None = None
    failed: tuple[tuple[str, str], ...] = ()
    first: Seen | None = None
    given: tuple[str, ...] | None = None
    attended: int = 0
    pace: Pace = "exact"

    @classmethod
    def of(cls, images: Any, encoders: Sequence[Encoder], **options: Any) -> "Study":
        """From images as people give them; raises NoImages where none can be shown."""
        images = [images] if isinstance(images, (str, np.ndarray, Photo)) or hasattr(images, "__fspath__") else images
        photos, skipped = gather(images or (), strict=options.get("strict", False), pace=options.get("pace", "exact"))
        paths = all(isinstance(image, str) or hasattr(image, "__fspath__") for image in images or ())
        given = tuple(os.fspath(image) for image in images or ()) if paths else None
        return cls(tuple(photos), tuple(encoders), skipped=list(skipped), given=given, **options)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(encoder.contract.name for encoder in self.encoders)

    def opened(self, least: int = 1) -> "Study":
        """The study once its first photos have been looked at, without the encoders that failed on them.

        Raises what went wrong where fewer than `least` encoders are left, or the study is strict.
        """
        some = tuple(in_canonical_order(self.photos)[: self.batch])
        alive, tokens, failed, errors = [], [], list(self.failed), []
        for encoder in self.encoders:
            try:
                said = asked(
                    encoder, some, self.layers, self.framing, any(photo.id in self._attended for photo in some)
                )
                if reason := self._broken(encoder, some, said):
                    raise UnfitTokens(reason)
            except RepscopeError as error:
                failed.append((encoder.contract.name, str(error)))
                errors.append(error)
            else:
                alive.append(encoder)
                tokens.append(said)
            if len(some) == len(self.photos) and (let_go := getattr(encoder, "let_go", None)):
                let_go()  # it has seen all there is; the next one wants the memory
        if errors and (self.strict or len(alive) < least):
            raise errors[0]
        return replace(self, encoders=tuple(alive), failed=tuple(failed), first=Seen(some, tuple(tokens)))

    @property
    def _attended(self) -> frozenset[str]:
        return frozenset(photo.id for photo in self.photos[: self.attended])

    @staticmethod
    def _broken(encoder: Encoder, photos: Sequence[Photo], said: Sequence[Tokens]) -> str:
        """Why nothing can be measured of any of the photos that are not flat; empty where something can."""
        places = [place for place, photo in enumerate(photos) if not flat(photo)]
        reasons = [unfit(encoder, [view_of(each, place, encoder) for each in said]) for place in places]
        return reasons[0] if reasons and all(reasons) else ""

    def look(self) -> Iterator[tuple[Photo, tuple[tuple[View, ...], ...]]]:
        """Each photo with its views by encoder and layer, in canonical order.

        A photo whose tokens are all alike under some encoder is skipped, by name; where all are,
        UnfitTokens names the encoder and layer.
        """
        done, usable = 0, 0
        rest = in_canonical_order(self.photos)[len(self.first.photos) if self.first else 0 :]
        known = [self.first] if self.first else []
        for seen in chain(known, self._extract(rest)):
            for place, photo in enumerate(seen.photos):
                views = tuple(
                    tuple(view_of(tokens, place, encoder) for tokens in by_layer)
                    for encoder, by_layer in zip(self.encoders, seen.tokens, strict=True)
                )
                if reason := flat(photo) or self._alike(views):
                    self.skip(photo, reason)
                else:
                    usable += 1
                    yield photo, views
                done += 1
                if self.progress:
                    self.progress(done, len(self.photos))
        if not usable:
            raise UnfitTokens(self.skipped[-1].reason)

    def _extract(self, photos: Sequence[Photo]) -> Iterator[Seen]:
        return extract(self.encoders, photos, self.layers, self.framing, self.batch, self._attended)

    def at_work(self) -> None:
        """Say that it goes on once all photos were looked at; whoever listens may raise to end it."""
        if self.progress:
            self.progress(len(self.photos), len(self.photos))

    def collapsed(self) -> dict[int, str]:
        """The places of encoders that tell the patches of none of the first photos apart, and how that is said."""
        photos = [photo for photo in self.photos if not flat(photo)][:LOOKED]
        found: dict[int, list[str]] = {}
        for seen in extract(self.encoders, photos, self.layers, self.framing, self.batch):
            for k, (encoder, by_layer) in enumerate(zip(self.encoders, seen.tokens, strict=True)):
                found.setdefault(k, []).extend(
                    unfit(encoder, [view_of(tokens, place, encoder) for tokens in by_layer])
                    for place in range(len(seen.photos))
                )
        return {k: reasons[0] for k, reasons in found.items() if all(reasons)}

    def _alike(self, views: tuple[tuple[View, ...], ...]) -> str:
        each = zip(self.encoders, views, strict=True)
        return next((reason for encoder, by_layer in each if (reason := unfit(encoder, by_layer))), "")

    def skip(self, photo: Photo, reason: str) -> None:
        """Leave a photo out by name; raises UnfitTokens where the study is strict."""
        if self.strict:
            raise UnfitTokens(f"{photo.id}: {reason}")
        self.skipped.append(Skipped(photo.source or photo.id, reason))


def alike(patches: Float[NDArray[np.floating], "H W D"]) -> bool:
    """Whether nothing but rounding tells the patches apart."""
    rows = np.asarray(patches, np.float64).reshape(-1, patches.shape[-1])
    return bool(np.linalg.norm(rows - rows.mean(0)) <= 1e-6 * np.linalg.norm(rows))


def unfit(encoder: Encoder, views: Sequence[View]) -> str:
    """Why nothing of a photo can be measured under an encoder; empty where it can."""
    for view in views:
        if view.patches.shape[:2] == (1, 1):
            return f"{encoder.contract.name} gives one vector for a photo: it has no patches to measure."
        if not np.isfinite(view.patches).all():
            return f"{encoder.contract.name} says tokens that are not finite at layer {view.layer}: it is damaged."
        if alike(view.patches):
            return (
                f"{encoder.contract.name} gives the same token for every patch at layer {view.layer}: "
                "nothing can be measured; is the photo one flat colour, or the encoder broken?"
            )
    return ""


def flat(photo: Photo) -> str:
    """Why nothing of this photo can be measured; empty where it is not of one colour."""
    if (photo.pixels == photo.pixels[:1, :1]).all():
        return "it is one flat colour: only the positions of patches could be measured."
    return ""


def view_of(tokens: Tokens, place: int, encoder: Encoder) -> View:
    """One photo of a batch, with the embedding that the encoder's authors use."""
    cls = None if tokens.cls is None else tokens.cls[place]
    mean = tokens.patches[place].mean((0, 1))
    embedding = cls if encoder.contract.pool == "cls" and cls is not None else mean
    received = None if tokens.received is None else tokens.received[place]
    return View(tokens.patches[place], cls, embedding, tokens.frame[place], tokens.layer, received)
