"""Source: the set that a question is about, from images or from what was embedded of them before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

from repscope.encoders import Encoder, load
from repscope.encoders.encoder import Framing
from repscope.errors import UnfitData, UnknownName, WrongUsage
from repscope.extract.sets.asked import BATCH, KEEP
from repscope.extract.sets.embed import embed
from repscope.extract.sets.job import weights_of
from repscope.extract.sets.run import Progress
from repscope.images.sets import ImageSet, image_set
from repscope.store import Stored, opened
from repscope.store.stored import is_stored


@contextmanager
def embedded(
    source: str,
    encoders: Sequence[Encoder] = (),
    *,
    names: Sequence[str] = (),
    layers: Sequence[int] = (-1,),
    framing: Framing = "official",
    batch: int = BATCH,
    fast: bool = False,
    progress: Progress | None = None,
) -> Iterator[Stored]:
    """What is asked about: a folder of `embed` as it is, anything else embedded now, and kept in the cache alone.

    Args:
        source: A folder of `embed`, or images as `embed` takes them.
        encoders: That look at images; of a folder, those named by `names`.
        names: Encoders of a folder that are asked about, by their names there or as they were loaded; all without.

    Raises WrongUsage for images without encoders, and as `opened` and `embed`.
    """
    if is_stored(source):
        stored = opened(source)
        yield Stored(stored.files, stored.manifest, chosen(stored, names))
        return
    images: ImageSet = image_set(source)
    if not encoders:
        raise WrongUsage(f"{source} holds images: name the encoders that look at them with -m a,b.")
    with TemporaryDirectory(prefix="repscope-", ignore_cleanup_errors=True) as folder:
        stored = embed(
            images,
            encoders,
            folder,
            layers=layers,
            keep=KEEP,
            framing=framing,
            batch=batch,
            fast=fast,
            progress=progress,
        )
        assert stored is not None
        yield stored


def chosen(stored: Stored, names: Sequence[str]) -> tuple[str, ...]:
    """Names of encoders as the set has them; all where none are given. Raises UnknownName."""
    loaded = {each["contract"]["name"]: each["column"] for each in stored.files.job["encoders"]}
    known = [loaded.get(name, name) for name in names] or list(stored.encoders)
    for name in known:
        if name not in stored.encoders:
            raise UnknownName("encoder of this set", name, stored.encoders)
    return tuple(known)


def looking(stored: Stored, names: Sequence[str]) -> dict[str, Encoder]:
    """The encoders that a set was embedded with, loaded again to look at something else.

    Raises UnfitData where one has other weights now.
    """
    found: dict[str, Encoder] = {}
    for each in stored.files.job["encoders"]:
        if each["column"] in names:
            encoder: Any = load(each["contract"]["name"], each["precision"])
            if weights_of(encoder) != each["weights"]:
                raise UnfitData(f"{each['column']} has other weights than when the set was embedded; embed it again.")
            found[each["column"]] = encoder
    return found


def vectors(stored: Stored, photo: Any, names: Sequence[str], pool: str | None, layer: int) -> dict[str, Any]:
    """A photo under the set's encoders, shown as the set's images were: encoder -> (D,)."""
    said, photo = {}, replace(photo, pace=stored.pace)
    for name, encoder in looking(stored, names).items():
        (tokens,) = encoder((photo,), (layer,), stored.files.job["framing"])
        said[name] = tokens.embedding(pool or stored.pools(name, layer)[0])[0]  # pyright: ignore[reportArgumentType]
    return said


def sought_photo(stored: Stored, given: str) -> Any:
    """An id of the set, or the photo in a file; raises UnknownName for what is neither."""
    ids = list(stored.ids)
    if given in ids:
        return given
    from pathlib import Path

    from repscope.images import gather

    if not Path(given).exists():
        raise UnknownName("image of this set, and no file,", given, ids)
    (photo, *_), _ = gather([given], strict=True, pace=stored.pace)
    return photo
