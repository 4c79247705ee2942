"""Ranked: the nearest of each query, deep enough that some can be left out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from repscope.errors import UnfitData
from repscope.nearest import nearest, unit

Array = NDArray[np.floating]
Rows = Int[NDArray[np.intp], "M k"]
SPARE, DEEPEST = 16, 256
FEW = 64
"""Queries searched anew at once."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows of a bank by cosine to each query, without those of the query's own group.

    Attributes:
        rows: (M, K) places in the bank, the nearest first.
        cosine: (M, K).
        bank: (N, D) rows of length 1.
        asked: (M, D) the queries, rows of length 1.
        owners: (N,) the group of each row of the bank.
        own: (M,) the group of each query.
    """

    rows: Rows
    cosine: Float[Array, "M K"]
    bank: Float[Array, "N D"]
    asked: Float[Array, "M D"]
    owners: Int[NDArray[np.intp], " N"]
    own: Int[NDArray[np.intp], " M"]

    def first(
        self,
        k: int,
        without: Bool[NDArray[np.bool_], " N"] | None = None,
        queries: Int[NDArray[np.intp], " m"] | None = None,
    ) -> tuple[Int[NDArray[np.intp], "m k"], Float[Array, "m k"]]:
        """The k nearest of these queries and their cosines, none of them among those left out.

        Raises UnfitData where some query has fewer than k to choose from.
        """
        some = slice(None) if queries is None else queries
        rows, cosine = self.rows[some], self.cosine[some]
        allowed = self.owners[rows] != self.own[some][:, None]
        if without is not None:
            allowed &= ~without[rows]
        order = np.argsort(~allowed, axis=1, kind="stable")[:, :k]
        enough = allowed.sum(1) >= k
        rows, cosine = np.take_along_axis(rows, order, 1), np.take_along_axis(cosine, order, 1)
        if not enough.all():
            places = np.arange(len(self.asked))[some]
            short = np.flatnonzero(~enough)
            rows, cosine = (
                np.zeros((len(rows), k), np.intp) if rows.shape[1] < k else rows,
                (np.zeros((len(cosine), k), np.float32) if cosine.shape[1] < k else cosine),
            )
            for start in range(0, len(short), FEW):
                these = short[start : start + FEW]
                rows[these], cosine[these] = self._anew(k, places[these], without)
        return rows, cosine

    def _anew(self, k: int, queries: Int[NDArray[np.intp], " m"], without: Bool[NDArray[np.bool_], " N"] | None):
        barred = self.owners[None] == self.own[queries][:, None]
        if without is not None:
            barred |= without
        if ((~barred).sum(1) < k).any():
            least = int((~barred).sum(1).min())
            raise UnfitData(f"{k} neighbours want {k} images of other groups beside each; some have {least}.")
        import torch

        cosine = torch.from_numpy(self.asked[queries] @ self.bank.T)
        value, place = cosine.masked_fill(torch.from_numpy(barred), -torch.inf).topk(k, dim=1)
        return place.numpy(), value.numpy()


def ranked(
    bank: Float[Array, "N D"],
    owners: Int[NDArray[np.intp], " N"],
    k: int,
    queries: Float[Array, "M D"] | None = None,
    own: Int[NDArray[np.intp], " M"] | None = None,
    *,
    centred: bool = False,
) -> Ranked:
    """The neighbours of each query in a bank, or of each of its own rows, for k of them with some to spare.

    Raises UnfitData for fewer than k rows to choose from.
    """
    most = len(bank) - (queries is None)
    if most < k:
        raise UnfitData(f"{k} neighbours want {k + (queries is None)} images or more; there are {len(bank)}.")
    largest = int(np.unique(owners, return_counts=True)[1].max()) if len(owners) else 0
    depth = min(most, max(min(2 * k + SPARE + largest, DEEPEST), k))
    found = nearest(bank, depth, queries, centred=centred)
    mean = bank.mean(0, dtype=np.float64) if centred else None
    rows = unit(bank, mean)
    asked, whose = (rows, owners) if queries is None else (unit(queries, mean), own)
    assert whose is not None
    return Ranked(found.rows, found.cosine, rows, asked, owners, whose)
