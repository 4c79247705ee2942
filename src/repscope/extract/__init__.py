"""Extract: photos through encoders, batch by batch."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.images import Photo
from repscope.tokens import Tokens

BATCH = 8


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the encoders said of a batch: `tokens[e][k]` is encoder e at the k-th asked layer."""

    photos: tuple[Photo, ...]
    tokens: tuple[tuple[Tokens, ...], ...]


def in_canonical_order(photos: Sequence[Photo]) -> list[Photo]:
    """Photos by the hash of their bytes.

    Batches are cut from this order, so the same photos give the same bits however they were named
    on the command line.
    """
    return sorted(photos, key=lambda photo: (photo.sha256, photo.id))


def extract(
    encoders: Sequence[Encoder],
    photos: Sequence[Photo],
    layers: Sequence[int] = (-1,),
    framing: Framing = "square",
    batch: int = BATCH,
    attended: Collection[str] = (),
) -> Iterator[Seen]:
    """Tokens of every photo under every encoder, in canonical order, `batch` photos at a time.

    Batches that hold a photo of `attended` (ids) also have what its patches receive of attention, from encoders that
    can tell it while they look.
    """
    ordered = in_canonical_order(photos)
    for start in range(0, len(ordered), batch):
        some = tuple(ordered[start : start + batch])
        also = any(photo.id in attended for photo in some)
        yield Seen(some, tuple(asked(encoder, some, layers, framing, also) for encoder in encoders))


def asked(
    encoder: Encoder, photos: Sequence[Photo], layers: Sequence[int], framing: Framing, attended: bool = False
) -> tuple[Tokens, ...]:
    """What an encoder says of photos, and of its attention where that is wanted and it can tell it on the way."""
    attending = getattr(encoder, "attending", None) if attended else None
    return (attending or encoder)(photos, layers, framing)
