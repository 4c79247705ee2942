"""Task: which images are asked about, by which classes, what is learnt from and what is named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from repscope.analyses._split import held_out
from repscope.errors import UnfitData, WrongUsage
from repscope.statistics import blocks
from repscope.store import Embedded

Rows = Int[NDArray[np.intp], " R"]


@dataclass(frozen=True, eq=False)
class Task:
    """The rows of a set, and of another to learn from where there is one, with all that is known of them.

    Rows stand in the order of their ids, so that nothing but rounding depends on the order in which images were given.

    Attributes:
        sets: The set, and the other.
        ids, digests: (T,) of every row.
        codes: (T,) the number of each row's class, -1 without one.
        classes: Names of the classes, sorted.
        groups: (T,) the number of each row's group; its own where none were given.
        grouped: Whether they were given.
        own: (T,) rows of the set itself.
        train: (T,) rows that are learnt from.
        blocks: (T,) the block that each row is left out with.
        places: (T,) where each row stands in its sets, one after the other.
        notes: What was left out, and why.
        unlabelled: Why nothing can be asked of classes; "" where it can.
    """

    sets: tuple[Embedded, ...]
    ids: NDArray[np.object_]
    digests: NDArray[np.object_]
    codes: Int[NDArray[np.intp], " T"]
    classes: tuple[str, ...]
    groups: Int[NDArray[np.intp], " T"]
    grouped: bool
    own: Bool[NDArray[np.bool_], " T"]
    train: Bool[NDArray[np.bool_], " T"]
    blocks: Int[NDArray[np.intp], " T"]
    places: Rows
    notes: tuple[str, ...] = field(default=())
    unlabelled: str = ""

    @property
    def labelled(self) -> Rows:
        """Rows of the set that have a class."""
        return np.flatnonzero(self.own & (self.codes >= 0))

    @property
    def taught(self) -> Rows:
        """Rows that are learnt from."""
        return np.flatnonzero(self.train)

    @property
    def asked(self) -> Rows:
        """Rows of the set that are to be named."""
        return np.flatnonzero(self.own & (self.codes >= 0) & ~self.train)

    def vectors(self, encoder: str, pool: str | None, layer: int) -> Float[NDArray[np.float32], "T D"]:
        """One vector per row, float32."""
        parts = [one.embedding(encoder, pool, layer) for one in self.sets]
        if len({part.shape[1] for part in parts}) > 1:
            raise UnfitData(f"{encoder}: the set and the one to learn from have vectors of different width.")
        return np.concatenate(parts).astype(np.float32)[self.places]

    def sizes(self, rows: Rows) -> Float[NDArray[np.float64], " B"]:
        """How many of these rows each block has."""
        return np.bincount(self.blocks[rows], minlength=self.blocks.max() + 1).astype(np.float64)

    def units(self, rows: Rows) -> int:
        """How many groups these rows are of; how many rows, where none were given."""
        return len(np.unique(self.groups[rows]))

    def named(self, row: int) -> str:
        """The class of a row; "" without one."""
        return self.classes[self.codes[row]] if self.codes[row] >= 0 else ""


def task(images: Embedded, group: Sequence[Any] | None = None, train: Any = None, seed: int = 0) -> Task:
    """What is asked of a set.

    Args:
        group: A name for each image's group: no group is on both sides.
        train: Which images to learn from, as a mask (N,), or another set; a fifth of each class is held out where not
            given.

    Raises UnfitData for masks and groups of another length, WrongUsage for a mask that parts a group.
    """
    other = train if isinstance(train, Embedded) else None
    sets = [images] if other is None else [images, other]
    count = sum(map(len, sets))
    own = np.arange(count) < len(images)
    ids = np.array([f"{place}:{each}" for place, one in enumerate(sets) for each in one.ids], object)
    labels = np.concatenate([one.labels if one.labels is not None else np.full(len(one), None) for one in sets])
    known = np.array([label is not None for label in labels])
    classes, places = np.unique(labels[known].astype(str), return_inverse=True)
    codes = np.full(count, -1)
    codes[known] = places
    groups, grouped = _groups(group, len(images), count)
    order = np.argsort(ids, kind="stable")
    unlabelled = _unasked(images, codes[own])
    taught = np.zeros(count, bool)
    if not unlabelled:
        taught = _taught(train, own, codes, groups if grouped else None, order, seed)
    names = np.concatenate([one.ids for one in sets])
    dealt = blocks(list(ids), list(groups) if grouped else None, list(taught), seed)
    return Task(
        sets=tuple(sets),
        ids=names[order],
        digests=np.concatenate([one.digests for one in sets])[order],
        codes=codes[order],
        classes=tuple(map(str, classes)),
        groups=groups[order],
        grouped=grouped,
        own=own[order],
        train=taught[order],
        blocks=dealt[order],
        places=order,
        notes=() if unlabelled else tuple(_notes(codes, own, taught, classes)),
        unlabelled=unlabelled,
    )


def _groups(group: Sequence[Any] | None, images: int, count: int) -> tuple[Int[NDArray[np.intp], " T"], bool]:
    if group is None:
        return np.arange(count), False
    if len(group) not in (images, count):
        raise UnfitData(f"`group` wants a name for each of {images} images; got {len(group)}.")
    if any(each is None for each in group):
        raise UnfitData("`group` has images without a group; give each a name, its own where it stands alone.")
    known, places = np.unique(np.array([str(each) for each in group]), return_inverse=True)
    if len(known) < 2:
        raise UnfitData(f"All images are of one group, {str(known[0])!r}: none could be held out.")
    rest = places.max() + 1 + np.arange(count - len(places))  # images to learn from, each its own group
    return np.concatenate([places, rest]), True


def _unasked(images: Embedded, codes: Int[NDArray[np.intp], " N"]) -> str:
    """Why nothing can be asked of classes; "" where it can."""
    if (codes < 0).all():
        return (
            f"No image of {images.name} has a label: only what needs none is answered. Labels are folders' names, or "
            "a column of the source."
        )
    counts = np.bincount(codes[codes >= 0])
    if (counts > 0).sum() < 2:
        return "All labelled images are of one class: nothing can be told apart. Only what needs no label is answered."
    if counts.max() < 2:
        return "Every class has one image: none has another to be found. Only what needs no label is answered."
    return ""


def _taught(
    train: Any,
    own: Bool[NDArray[np.bool_], " T"],
    codes: Int[NDArray[np.intp], " T"],
    groups: Int[NDArray[np.intp], " T"] | None,
    order: Rows,
    seed: int,
) -> Bool[NDArray[np.bool_], " T"]:
    labelled = codes >= 0
    if train is None:
        rows = order[labelled[order]]
        taught = np.zeros(len(codes), bool)
        taught[rows[~held_out(codes[rows], None if groups is None else groups[rows], seed)]] = True
        return taught
    if isinstance(train, Embedded):
        taught = ~own & labelled
    else:
        mask = np.asarray(train)
        if mask.dtype != bool or mask.shape != (int(own.sum()),):
            raise UnfitData(
                f"`train` wants a truth value for each of {int(own.sum())} images, or another set; got {mask.dtype} of "
                f"shape {mask.shape}."
            )
        taught = np.pad(mask, (0, int((~own).sum()))) & labelled
    asked = own & labelled & ~taught
    if not taught.any() or not asked.any():
        raise UnfitData(
            f"`train` leaves {int(taught.sum())} labelled images to learn from and {int(asked.sum())} to name; both "
            "sides want some."
        )
    if groups is not None and len(both := np.intersect1d(groups[taught], groups[asked])):
        raise WrongUsage(f"`train` parts {len(both)} of the groups; leave `train` away, or keep each on one side.")
    return taught


def _notes(
    codes: Int[NDArray[np.intp], " T"],
    own: Bool[NDArray[np.bool_], " T"],
    taught: Bool[NDArray[np.bool_], " T"],
    classes: NDArray[Any],
) -> list[str]:
    notes = []
    if without := int((own & (codes < 0)).sum()):
        notes.append(
            f"{without} of {int(own.sum())} images have no label and are left out of what is asked of classes."
        )
    counts = np.bincount(codes[own & (codes >= 0)], minlength=len(classes))
    if len(single := classes[counts == 1]):
        notes.append(f"{_listed(single)}: one image, which no other can find; it is not asked about, but may be found.")
    asked = own & (codes >= 0) & ~taught
    learnt = np.bincount(codes[taught], minlength=len(classes)) > 0
    named = np.bincount(codes[asked], minlength=len(classes)) > 0
    if len(unknown := classes[named & ~learnt]):
        notes.append(f"{_listed(unknown)}: nothing to learn from, so its images cannot be named rightly.")
    if len(never := classes[learnt & ~named & (counts > 1)]):
        notes.append(f"{_listed(never)}: none held out, so nothing is said of it.")
    return notes


def _listed(names: NDArray[Any], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (
        f"Class {', '.join(map(str, names[:most]))}{more}"
        if len(names) == 1
        else (f"Classes {', '.join(map(str, names[:most]))}{more}")
    )
