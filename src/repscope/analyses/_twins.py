"""Twins: rows of a bank that are nearer than a threshold, and the groups they make; exact, in bounded memory."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from repscope.nearest import nearest, unit

Embedding = Float[NDArray[np.floating], "N D"]
Pair = tuple[float, int, int]
BLOCK = 1 << 22
SLACK = 1e-6
"""Cosines of one pair differ by rounding with the block they are in."""
LEAST, ROUNDING = 20, 1e-6
CHANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Nears:
    """The nearest and the second nearest row of each.

    Attributes:
        rows: (N, 2) their places; (N, 1) of two rows.
        cosine: The same shape.
    """

    rows: Int[NDArray[np.intp], "N k"]
    cosine: Float[NDArray[np.floating], "N k"]

    @classmethod
    def of(cls, bank: Embedding, centred: bool) -> "Nears":
        found = nearest(bank, min(2, len(bank) - 1), centred=centred)
        return cls(found.rows, found.cosine)


@dataclass(frozen=True)
class Scatter:
    """How near the nearest of an image would be by accident, were none a copy.

    Foretold from second nearest images (a copy's first is its original): of points scattered at random,
    u = exp(start) (1 - cosine)^slope is a Gamma variable of shape 2 for the second nearest, of shape 1 for the first,
    with 2 slope the dimension that they fill (as in TwoNN, Facco et al., 2017). Fitted between their 2nd and 50th
    percentile. Density that varies makes the slope smaller and accidents seem likelier than they are; where most images
    have two copies and more, so do these.
    """

    slope: float
    start: float

    @classmethod
    def of(cls, nears: Nears) -> "Scatter | None":
        """None for fewer than 20 images that differ, or all as far from each other."""
        from scipy.stats import gamma

        far = 1 - nears.cosine[:, -1].astype(np.float64)
        far = far[far > ROUNDING]
        if len(far) < LEAST:
            return None
        shares = np.linspace(0.02, 0.5, 25)
        distance, u = np.quantile(np.log(far), shares), np.log(gamma.ppf(shares, 2))
        if np.ptp(distance) < 1e-6:
            return None
        return cls(*map(float, np.polyfit(distance, u, 1)))

    def threshold(self, chance: float = CHANCE) -> float:
        """The cosine that the nearest of an image reaches with this chance.

        >>> nears = Nears.of(np.random.default_rng(0).normal(size=(1000, 8)), centred=True)
        >>> 0.97 < Scatter.of(nears).threshold() < 0.999
        True
        """
        edge = (np.log(-np.log1p(-chance)) - self.start) / self.slope
        return float(min(1 - np.exp(edge), 1 - 10 * ROUNDING))

    def chance(self, threshold: float) -> float:
        """The chance that the nearest of an image reaches this cosine."""
        return float(-np.expm1(-np.exp(self.start + self.slope * np.log(max(1 - threshold, ROUNDING)))))


@dataclass(eq=False)
class Twins:
    """What is at or above a threshold.

    Attributes:
        group: (N,) number of the group of each row, -1 for a row without a twin; numbered by their first row.
        pairs: How many pairs there are.
        across: (N, S) whether a row has a twin in each part.
        examples: The surest pairs of rows of different parts that are no copies byte for byte.
    """

    group: Int[NDArray[np.intp], " N"]
    pairs: int = 0
    across: Bool[NDArray[np.bool_], "N S"] = field(default_factory=lambda: np.zeros((0, 0), bool))
    examples: list[Pair] = field(default_factory=list)

    def groups(self) -> list[NDArray[np.intp]]:
        """The rows of each group, the largest group first."""
        rows = np.flatnonzero(self.group >= 0)
        order = rows[np.argsort(self.group[rows], kind="stable")]
        found = np.split(order, np.flatnonzero(np.diff(self.group[order])) + 1) if len(order) else []
        return sorted(found, key=lambda each: (-len(each), int(each[0])))


def twins(
    bank: Embedding,
    nears: Nears,
    threshold: float,
    centred: bool,
    part: Int[NDArray[np.intp], " N"] | None = None,
    copy: Int[NDArray[np.intp], " N"] | None = None,
    most: int = 8,
    step: Callable[[], None] = lambda: None,
) -> Twins:
    """Connected components of pairs at or above a threshold.

    Only rows whose nearest is that near have any; among these all pairs are looked at, a block at a time, and each
    block's pairs are folded into the components so far.

    Args:
        part: The part of each row; of a row of no part, 0.
        copy: A number of each row that its byte-for-byte copies share: they are no examples.
        most: Examples kept.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = np.flatnonzero(nears.cosine[:, 0] >= threshold - SLACK)
    parts = np.zeros(len(bank), np.intp) if part is None else part
    copies = np.arange(len(bank)) if copy is None else copy
    made = Twins(np.full(len(bank), -1), across=np.zeros((len(bank), int(parts.max(initial=0)) + 1), bool))
    x = unit(bank[rows], bank.mean(0, dtype=np.float64) if centred else None)
    component = np.arange(len(rows))
    together = max(BLOCK // max(len(rows), 1), 1)
    for start in range(0, len(rows), together):
        cosine = x[start : start + together] @ x.T
        one, other = np.nonzero(cosine >= threshold - SLACK)
        kept = one + start < other
        one, other = one[kept], other[kept]
        value, one = cosine[one, other], one + start
        made.pairs += len(one)
        made.across[rows[one], parts[rows[other]]] = True
        made.across[rows[other], parts[rows[one]]] = True
        across = (parts[rows[one]] != parts[rows[other]]) & (parts[rows[one]] > 0) & (parts[rows[other]] > 0)
        apart = np.flatnonzero(across & (copies[rows[one]] != copies[rows[other]]))
        best = apart[np.argsort(-value[apart], kind="stable")[:most]]
        made.examples += [(float(value[e]), int(rows[one[e]]), int(rows[other[e]])) for e in best]
        made.examples = sorted(made.examples, key=lambda pair: (-pair[0], *pair[1:]))[:most]
        ends = np.concatenate([one, np.arange(len(rows))]), np.concatenate([other, component])
        joined = coo_matrix((np.ones(len(ends[0]), np.int8), ends), (len(rows), len(rows)))
        label = connected_components(joined, directed=False)[1]
        first = np.full(int(label.max(initial=-1)) + 1, len(rows))
        np.minimum.at(first, label, np.arange(len(rows)))
        component = first[label]  # the first row of each component stands for it
        step()
    if len(rows):
        size = np.bincount(component, minlength=len(rows))[component]
        made.group[rows[size > 1]] = rows[component[size > 1]]
    return made


def pairs_near(
    nears: Nears, threshold: float, apart: Bool[NDArray[np.bool_], " N"], most: int
) -> tuple[list[Pair], ...]:
    """Of rows and their nearest, each pair once: the surest, those just above the threshold, those just below it.

    Args:
        apart: Rows that are no byte-for-byte copy of their nearest.
    """
    rows = np.arange(len(nears.rows))
    ends = np.sort(np.stack([rows, nears.rows[:, 0]], 1), 1)
    _, first = np.unique(ends, axis=0, return_index=True)
    first = first[apart[first]]
    value = nears.cosine[first, 0]
    order = first[np.argsort(-value, kind="stable")]
    made = [(float(nears.cosine[k, 0]), int(ends[k, 0]), int(ends[k, 1])) for k in order.tolist()]
    over = [pair for pair in made if pair[0] >= threshold - SLACK]
    return over[:most], over[most:][-most:], made[len(over) :][:most]
