"""Near: all images of a set by their cosine to one query under one encoder, and what a cosine is by chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from repscope.nearest import nearest, unit
from repscope.report import Null, Number
from repscope.statistics import lowest
from repscope.statistics.interval import LEVEL

Embedding = Float[NDArray[np.floating], "N D"]
POOL, PAIRS, OTHERS = 4096, 10_000, 256


@dataclass(frozen=True, eq=False)
class Near:
    """What one encoder has to say of a query.

    Attributes:
        order: (M,) places of the other images, the nearest first.
        cosine: (M,) theirs.
        rank: (N,) 1 for the nearest; 0 for the query itself.
        chance: Cosines of random pairs of images of the set, ascending.
        others: Cosine of each of some other images with its own nearest.
        centred: Whether the mean embedding was taken off.
    """

    name: str
    order: Int[NDArray[np.intp], " M"]
    cosine: Float[NDArray[np.floating], " M"]
    rank: Int[NDArray[np.intp], " N"]
    chance: Float[NDArray[np.floating], " R"]
    others: Float[NDArray[np.floating], " Q"]
    centred: bool

    @classmethod
    def of(
        cls,
        name: str,
        bank: Embedding,
        query: Float[NDArray[np.floating], " D"],
        row: int | None,
        ids: Sequence[str],
        centred: bool,
        seed: int = 0,
    ) -> "Near":
        """Every image by its cosine to the query, which is the image at `row` where that is given."""
        found = nearest(bank, len(bank), query[None], centred=centred)
        order, cosine = found.rows[0], found.cosine[0]
        if row is not None:
            kept = order != row
            order, cosine = order[kept], cosine[kept]
        rank = np.zeros(len(bank), np.intp)
        rank[order] = np.arange(1, len(order) + 1)
        some = lowest(ids, POOL)
        others = [place for place in lowest(ids, OTHERS + 1).tolist() if place != row][:OTHERS]
        chance = _random_pairs(bank, some, centred, seed)
        return cls(name, order, cosine, rank, chance, _own_nearest(bank, np.array(others), centred), centred)

    def number(self, row: int) -> Number:
        """The cosine of the query and this image, with what random pairs have."""
        value = float(self.cosine[self.rank[row] - 1])
        above = len(self.chance) - int(np.searchsorted(self.chance, value))
        q95 = float(np.quantile(self.chance, 0.95))
        p = (1 + above) / (1 + len(self.chance))
        return Number(
            "cosine",
            value,
            None,
            Null("random pairs", float(self.chance.mean()), q95, p, len(self.chance)),
            n=len(self.order),
            of="images searched",
            definition=f"Cosine of the embeddings of the query and of an image{MEAN if self.centred else ''}. The null "
            "is the cosine of two images of the set at random; of many images the nearest is past it in any case.",
            caveats=("one cosine of two images: no interval", "no scale is common to two encoders: compare ranks"),
        )

    def closeness(self) -> Number:
        """How many other images have a nearest that is less near: is this one near to anything at all?"""
        from scipy.stats import beta

        below, count = int((self.others < self.cosine[0]).sum()), len(self.others)
        low, high = (1 - LEVEL) / 2, (1 + LEVEL) / 2
        ends = (
            float(beta.ppf(low, below, count - below + 1)) if below else 0.0,
            float(beta.ppf(high, below + 1, count - below)) if below < count else 1.0,
        )
        return Number(
            "less near to their nearest",
            below / count,
            ends,
            Null("chance", 0.5, 0.5),
            n=count,
            of="other images",
            definition="Share of other images of the set whose nearest has a lower cosine than the query's nearest; "
            "Clopper-Pearson interval. Near 0 the query has nothing like it in the set.",
        )


MEAN = ", both less the mean of the set"


def _random_pairs(
    bank: Embedding, rows: NDArray[np.intp], centred: bool, seed: int
) -> Float[NDArray[np.floating], " R"]:
    generator, count = np.random.default_rng(seed), len(rows)
    one = generator.integers(0, count, PAIRS)
    other = (one + generator.integers(1, count, PAIRS)) % count  # never itself
    x = unit(bank[rows], bank.mean(0, dtype=np.float64) if centred else None)
    return np.sort(np.einsum("nd,nd->n", x[one], x[other]))


def _own_nearest(bank: Embedding, rows: NDArray[np.intp], centred: bool) -> Float[NDArray[np.floating], " Q"]:
    found = nearest(bank, 2, bank[rows], centred=centred)
    other = (found.rows[:, 0] == rows).astype(int)  # a copy may come before the image itself
    return found.cosine[np.arange(len(rows)), other]


def shared(one: Near, other: Near, k: int) -> Number:
    """How many of the k nearest two encoders have in common, against two draws of k without looking."""
    from scipy.stats import hypergeom

    both, among = len(np.intersect1d(one.order[:k], other.order[:k])), len(one.order)
    drawn = hypergeom(among, k, k)
    return Number(
        "shared",
        float(both),
        None,
        Null("hypergeometric", k * k / among, float(drawn.ppf(0.95)), float(drawn.sf(both - 1))),
        n=k,
        of="nearest",
        definition="How many of the k nearest two encoders have in common; by chance k^2 / M of M images.",
        caveats=("of one query: no interval", "any two encoders that see colour are past this null"),
    )
