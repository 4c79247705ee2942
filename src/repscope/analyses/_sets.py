"""Sets: what every question about a set of images begins and ends with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.analyses._pictures import shown
from repscope.analyses._provenance import of_set
from repscope.analyses._study import Progress
from repscope.errors import RepscopeError, UnfitData, UnknownName, WrongUsage
from repscope.frames import Frame
from repscope.report import Block, Note, Picture, Report
from repscope.store import Embedded

SIDE = 224
NAMED = 6


class Steps:
    """How far a question has come, told to whoever listens (who may raise to end it)."""

    def __init__(self, total: int, progress: Progress | None):
        self.done, self.total, self.progress = 0, max(total, 1), progress

    def __call__(self) -> None:
        self.done = min(self.done + 1, self.total)
        if self.progress:
            self.progress(self.done, self.total)


def encoders_of(images: Embedded, encoders: str | Sequence[str] | None, least: int = 1) -> tuple[str, ...]:
    """The encoders asked about, all where none are named.

    Raises UnknownName for one the set has nothing of, WrongUsage for one named twice or too few.
    """
    names = images.encoders if encoders is None else (encoders,) if isinstance(encoders, str) else tuple(encoders)
    for name in names:
        images.known(name)
    if twice := {name for name in names if names.count(name) > 1}:
        raise WrongUsage(f"{', '.join(sorted(twice))} is named twice; name each encoder once.")
    if len(names) < least:
        raise WrongUsage(
            f"This question wants {least} encoder{'s' if least > 1 else ''} or more; got {', '.join(names) or 'none'}. "
            f"The set has {', '.join(images.encoders)}."
        )
    return names


def together(one: Embedded, other: Embedded, names: Sequence[str]) -> None:
    """Raises UnfitData where two sets were not embedded by the same encoders in the same way."""
    for name in names:
        mine, theirs = _identity(one, name), _identity(other, other.known(name))
        if mine != theirs:
            unlike = ", ".join(key for key in mine if mine[key] != theirs[key])
            raise UnfitData(
                f"{one.name} and {other.name} were embedded differently by {name} ({unlike}): their embeddings cannot "
                "be compared. Embed both the same way."
            )


def _identity(images: Embedded, name: str) -> dict[str, Any]:
    about = images.described(name)
    contract = {**dict(about.get("contract", {})), "name": "", "notes": ""}
    weights = str(about.get("revision", "")).rpartition("sha256 ")[2]
    return {
        "weights": weights,
        "contract": contract,
        "precision": about.get("precision", ""),
        "framing": images.origin.get("framing", ""),
        "pace": images.origin.get("pace", "exact"),
    }


def enough(images: Embedded, least: int, what: str) -> None:
    """Raises UnfitData for a set of fewer images."""
    if len(images) < least:
        raise UnfitData(f"{what} wants {least} images or more; {images.name} has {len(images)}.")


def counted(count: int, what: str = "image") -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"


def asked(images: Embedded, names: Sequence[str], layer: int) -> str:
    """The title of a question about these encoders at this layer."""
    where = "" if layer == -1 else f", after block {layer}" if layer else ", the embedding layer"
    return f"{', '.join(names)} on {counted(len(images))} of {images.name}{where}"


def answered(
    title: str, blocks: Sequence[Block], images: Embedded, analysis: str, names: Sequence[str], **options: Any
) -> Report:
    """The report of a question about a set."""
    return Report(title, tuple(blocks), of_set(images, analysis, names, **options))


def equal_digests(given: NDArray[np.object_]) -> list[NDArray[np.intp]]:
    """Places of images whose bytes are the same, group by group, the first place first."""
    digests = np.array([str(digest) for digest in given])
    known = np.flatnonzero(digests != "")
    if not len(known):
        return []
    _, group, count = np.unique(digests[known], return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    found = np.split(known[order], np.cumsum(count)[:-1])
    return sorted((places for places in found if len(places) > 1), key=lambda places: int(places[0]))


def copies(images: Embedded) -> list[Note]:
    """A warning for images that are the same file under several names: intervals take them for several."""
    found = equal_digests(images.digests)
    if not found:
        return []
    extra = sum(len(places) - 1 for places in found)
    told = "; ".join(" and ".join(str(images.ids[place]) for place in places) for places in found[:NAMED])
    more = f"; and {len(found) - NAMED} more" if len(found) > NAMED else ""
    text = f"{counted(extra)} of {len(images):,} are copies of others, byte for byte: {told}{more}. Intervals take "
    return [Note(f"{text}them for different ones.", "warning")]


def kept(ask: Callable[[], Any]) -> Any:
    """What the set has of something, None where it was not kept."""
    try:
        return ask()
    except UnknownName:
        return None


class Album:
    """The images of a set as small pictures, each read once; those that cannot be read are remembered by name."""

    def __init__(self, images: Embedded):
        self.images, self.lost = images, dict[int, str]()
        self._seen: dict[int, Any] = {}

    def picture(self, row: int, caption: str, mark: str = "") -> Picture | None:
        """The image under this caption; None where it cannot be read."""
        if row not in self._seen and row not in self.lost:
            try:
                self._seen[row] = shown(self.images.photo(row), Frame(), SIDE)
            except RepscopeError as error:
                self.lost[row] = str(error)
        return Picture(caption, self._seen[row], mark) if row in self._seen else None

    def notes(self) -> list[Note]:
        """A word on images that cannot be shown."""
        if not self.lost:
            return []
        reason = next(iter(self.lost.values()))
        return [Note(f"{counted(len(self.lost))} cannot be shown: {reason}")]


def labelled(images: Embedded, row: int) -> str:
    """The id of an image and its label, where it has one."""
    labels: Any = images.labels
    label = labels[row] if labels is not None else None
    return f"{images.ids[row]}, {label}" if label is not None else str(images.ids[row])


def pooled(images: Embedded, names: Sequence[str], pool: str | None, layer: int) -> Mapping[str, str]:
    """Encoder -> the pool that is asked about."""
    return {name: pool or images.pools(name, layer)[0] for name in names}
