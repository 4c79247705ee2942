"""Twin blocks: how duplicates are shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from repscope.analyses._sets import Album, counted, equal_digests, labelled
from repscope.analyses._twins import Nears, Pair, Scatter, Twins, pairs_near
from repscope.report import Block, Curve, Gallery, Line, Note, Null, Number, Picture, Table, say
from repscope.store import Embedded

LISTED, PLACES, BINS = 100, 32, 48
COST = (
    "A threshold belongs to one encoder and one set: an encoder that was taught to overlook colour or crops calls "
    "images twins that differ in them. Look at the pairs on both sides of it, and choose."
)
RULE = (
    "The cosine that the nearest of an image reaches with chance .001, were none a copy: foretold from second nearest "
    "images as if scattered at random. Strict where density varies or most images have two copies and more."
)


@dataclass(frozen=True, eq=False)
class Searched:
    """Everything that was found, over all sets as one."""

    sets: Sequence[Embedded]
    name: str
    nears: Nears
    scatter: Scatter | None
    twins: Twins
    threshold: float
    given: bool
    labels: list[str]
    code: Int[NDArray[np.intp], " N"]
    centred: bool

    def __len__(self) -> int:
        return len(self.code)

    @cached_property
    def albums(self) -> list[Album]:
        return [Album(each) for each in self.sets]

    def album_notes(self) -> list[Note]:
        return [note for album in self.albums for note in album.notes()]

    def _within(self, row: int) -> tuple[int, int]:
        """Which set, and the place in it."""
        first = len(self.sets[0])
        return (0, row) if row < first else (1, row - first)

    def named(self, row: int) -> str:
        """Id, label and part."""
        which, place = self._within(row)
        part = f" ({self.labels[self.code[row] - 1]})" if self.code[row] else ""
        return labelled(self.sets[which], place) + part

    def picture(self, row: int, caption: str, mark: str = "") -> Picture | None:
        which, place = self._within(row)
        return self.albums[which].picture(place, caption, mark)

    @cached_property
    def expected(self) -> float | None:
        """Images that would have such a nearest by accident."""
        return None if self.scatter is None else len(self) * self.scatter.chance(self.threshold)

    @cached_property
    def digests(self) -> NDArray[np.object_]:
        return np.concatenate([each.digests for each in self.sets])

    @cached_property
    def exact(self) -> list[NDArray[np.intp]]:
        """Places of images that are the same byte for byte, group by group."""
        return equal_digests(self.digests)


def findings(found: Searched) -> list[Note]:
    """Copies, and near-duplicates where there are more than would be by accident."""
    from scipy.stats import poisson

    groups = found.twins.groups()
    extra = sum(len(group) - 1 for group in groups)
    same = sum(len(group) - 1 for group in found.exact)
    notes = []
    if (found.digests == "").all():
        notes.append(Note("The bytes of the images are not known: copies are told by their embeddings alone."))
    else:
        notes.append(Note(f"{counted(same)} of {len(found):,} are copies of others, byte for byte.", _loud(same)))
    text = f"{counted(extra)} could be left out as near-duplicates, {counted(len(groups), 'group')} at a cosine of "
    text += f"{_fine(found.threshold)} or more under {found.name}"
    if found.expected is None:
        return [*notes, Note(f"{text}.")]
    by_chance = found.expected / 2  # accidents come in pairs
    sure = len(groups) > poisson.ppf(0.95, by_chance)
    return [*notes, Note(f"{text}; {say(by_chance)} groups by accident.", _loud(int(sure)))]


def _loud(count: int) -> Literal["finding", "note"]:
    return "finding" if count else "note"


def _fine(value: float) -> str:
    """A cosine near 1 wants its digits."""
    return f"{value:.4f}"


def counts(found: Searched) -> list[Block]:
    """How many of each there are."""
    groups, n = found.twins.groups(), len(found)
    rule = "Given." if found.given else RULE
    said = f"Pairs of cosine {_fine(found.threshold)} or more" + (", embeddings less their mean" * found.centred)
    census = ("a count of this set at this threshold: no interval; see the curve",)

    def count(label: str, value: float, definition: str, caveats: tuple[str, ...] = census) -> Number:
        return Number(label, float(value), n=n, of="images", definition=definition, caveats=caveats)

    null = None if found.expected is None else Null("by accident", found.expected, found.expected)
    exact = "Images with the same SHA-256 of their bytes."
    rows = (
        ("threshold", count("threshold", found.threshold, rule, ("of this encoder and this set alone",))),
        (
            "copies byte for byte",
            count("copies", sum(len(g) - 1 for g in found.exact), exact, ("a count: no interval",)),
        ),
        ("images with a near-duplicate", replace(count("with one", sum(map(len, groups)), f"{said}."), null=null)),
        ("groups", count("groups", len(groups), f"{said}; a group is all that they connect.")),
        ("pairs", count("pairs", found.twins.pairs, f"{said}.")),
        ("largest group", count("largest group", max(map(len, groups), default=0), f"{said}, connected.")),
    )
    caption = "A large group may be a chain whose ends are not alike." if max(map(len, groups), default=0) > 4 else ""
    return [Table("Duplicates", ("", "count"), rows, caption)]


def leaks(found: Searched) -> list[Block]:
    """Of every part, the images that have a twin in another."""
    if len(found.labels) < 2:
        return []
    exact = _exact_across(found)
    rows, loud = [], []
    for a, one in enumerate(found.labels, 1):
        inside = found.code == a
        for b, other in enumerate(found.labels, 1):
            if a == b:
                continue
            near, same = int(found.twins.across[inside, b].sum()), int(exact[inside, b].sum())
            rows.append((f"{one}, found in {other}", *(_share(found, v, int(inside.sum())) for v in (same, near))))
            if near or same:
                loud.append(f"{counted(max(near, same))} of {one} in {other}")
    note = [Note(f"Across the split: {'; '.join(loud)}.", "warning")] if loud else []
    header = ("images of, with one in", "byte for byte", "near-duplicate")
    return [*note, Table("Leaks", header, tuple(rows), "A model scored on an image that it was taught is flattered.")]


def _share(found: Searched, value: int, n: int) -> Number:
    definition = f"Images of a part with a twin in another: same bytes, or cosine {_fine(found.threshold)} or more."
    caveats = ("a count of this set at this threshold: no interval; see the curve",)
    return Number("leaks", float(value), n=n, of="images", definition=definition, caveats=caveats)


def _exact_across(found: Searched) -> NDArray[np.bool_]:
    made = np.zeros((len(found), len(found.labels) + 1), bool)
    for rows in found.exact:
        for row in rows:
            made[row, found.code[rows[rows != row]]] = True
    return made


def galleries(found: Searched, most: int) -> list[Block]:
    """Pairs of each kind, so that the threshold can be judged."""
    same = found.digests == found.digests[found.nears.rows[:, 0]]
    apart = ~(same & (found.digests != ""))
    sure, above, below = pairs_near(found.nears, found.threshold, apart, most)
    exact = [(1.0, int(rows[0]), int(rows[1])) for rows in found.exact[:most]]
    cut = _fine(found.threshold)
    kinds = (
        ("Across the split", found.twins.examples, "The surest pairs that cross it, copies byte for byte aside."),
        ("Copies byte for byte", exact, ""),
        ("Near-duplicates, the surest", sure, ""),
        ("Near-duplicates, just above the threshold", above, f"The last that count as such, at {cut} or more."),
        ("Just below the threshold: not counted", below, f"The nearest that do not reach {cut}."),
    )
    return [made for title, pairs, caption in kinds if (made := _gallery(found, title, pairs, caption))]


def _gallery(found: Searched, title: str, pairs: Sequence[Pair], caption: str) -> Gallery | None:
    pictures = []
    for number, (value, *rows) in enumerate(pairs, 1):
        both = [found.picture(row, f"pair {number}, {_fine(value)}: {found.named(row)}") for row in rows]
        pictures += [each for each in both if each] if all(both) else []
    return Gallery(title, tuple(pictures), caption) if pictures else None


def curves(found: Searched) -> list[Block]:
    """How many images would have a near-duplicate at other thresholds; and how near nearest images are."""
    near = found.nears.cosine[:, 0].astype(np.float64)
    far = np.clip(1 - near, 1e-7, None)
    ends = np.log(max(min(far.min(), 1 - found.threshold), 1e-5)), np.log(np.median(far))
    grid = np.unique(np.append(1 - np.exp(np.linspace(*ends, PLACES)), found.threshold))
    heights = [float((near >= x).sum()) for x in grid]
    edges = np.linspace(near.min(), 1.0, BINS + 1)
    bars = np.histogram(np.clip(near, None, 1.0), edges)[0]
    here = float((near >= found.threshold - 1e-6).sum())
    caption = f"At {_fine(found.threshold)}: {here:,.0f}. Where the line is flat the choice matters little."
    return [
        Curve(
            "Images with a near-duplicate, by threshold",
            (Line(found.name, tuple(map(float, grid)), tuple(heights)),),
            "threshold (cosine)",
            "images",
            log_y=True,
            caption=caption,
        ),
        Curve(
            "Cosine of each image's nearest",
            (Line(found.name, tuple(map(float, edges[:-1])), tuple(map(float, bars))),),
            "cosine",
            "images",
            style="bars",
            caption="Near-duplicates are a hump of their own at the right end, where there are many.",
        ),
    ]


def groups_table(found: Searched) -> list[Block]:
    """The groups by name, the largest first."""
    groups = found.twins.groups()
    if not groups:
        return []
    rows = tuple(
        (str(len(group)), ", ".join(found.named(int(row)) for row in group[:12]) + (", ..." if len(group) > 12 else ""))
        for group in groups[:LISTED]
    )
    more = f"And {len(groups) - LISTED:,} more." if len(groups) > LISTED else ""
    return [Table("Groups", ("images", "which"), rows, more)]
