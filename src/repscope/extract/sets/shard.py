"""What is kept of one shard: each encoder's part built up batch by batch, then put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.accumulators import Accumulator, CrossMoments, Histogram, Moments, Reservoir
from repscope.accumulators.reservoir import priority_of
from repscope.encoders import Encoder
from repscope.errors import RepscopeError, UnfitTokens
from repscope.extract.sets.asked import Asked
from repscope.extract.sets.plan import Shard
from repscope.extract.sets.prepared import Failure, Row
from repscope.metrics import Rows, catalogue
from repscope.store.columns import column
from repscope.store.states import Key
from repscope.tokens import Tokens

MARGIN = 4
"""Times as many images are held for the sample as it will have: which hash lowest is known at the end."""

Of = tuple[int, str]
"""A layer, and what is kept of it."""


@dataclass(frozen=True, eq=False)
class Said:
    """One encoder's part of a shard.

    Attributes:
        columns: Layer and what -> a row per image.
        states: Kind, layer and what -> accumulator of these images.
    """

    columns: dict[Of, NDArray[Any]]
    states: dict[tuple[str, int, str], Accumulator]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A shard, finished: by the names of columns."""

    shard: Shard
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    columns: dict[str, NDArray[Any]]
    states: dict[Key, Accumulator]


@dataclass(eq=False)
class Hearing:
    """One encoder while batch after batch of a shard comes in.

    Attributes:
        images: Of the whole set: how many of a shard may be in the sample follows from it.
    """

    encoder: Encoder
    asked: Asked
    images: int
    parts: dict[Of, list[NDArray[Any]]] = field(default_factory=dict)
    states: dict[tuple[str, int, str], Accumulator] = field(default_factory=dict)
    sampled: dict[int, tuple[str, NDArray[Any], NDArray[Any]]] = field(default_factory=dict)

    def take(self, said: Sequence[Tokens], ids: Sequence[str]) -> None:
        """A batch at every layer."""
        for tokens in said:
            self._take(tokens, ids)

    def _take(self, tokens: Tokens, ids: Sequence[str]) -> None:
        asked, layer = self.asked, tokens.layer
        for pool in asked.pools(self.encoder):
            self._add(layer, pool, tokens.embedding(pool))  # pyright: ignore[reportArgumentType]
        if "patches" in asked.keep:
            self._add(layer, "patches", tokens.patches.reshape(len(tokens), -1))
        frames = np.array([(f.left, f.top, f.right, f.bottom) for f in tokens.frame], np.float32)
        if layer == asked.layers[0]:
            self._add(-1, "frame", frames)
        if "readings" in asked.keep:
            self._read(tokens)
        if "moments" in asked.keep:
            rows = tokens.patches.reshape(-1, tokens.width)
            self._sum("moments", layer, "patches", Moments().of_many(rows))
            lengths = np.linalg.norm(rows, axis=1).astype(np.float64)
            self._sum("histogram", layer, "patches", Histogram().of(lengths))
        if "sample" in asked.keep and layer == asked.sampled:
            self._sample(tokens, frames, ids)

    def _add(self, layer: int, what: str, values: NDArray[Any]) -> None:
        self.parts.setdefault((layer, what), []).append(values)

    def _sum(self, kind: str, layer: int, what: str, more: Accumulator) -> None:
        known = self.states.get((kind, layer, what))
        self.states[kind, layer, what] = more if known is None else known + more

    def _read(self, tokens: Tokens) -> None:
        """The readings of every image's patches; nan where one is undefined, as for a photo of one colour."""
        cards: list[Any] = [catalogue[reading] for reading in self.asked.readings]
        values = np.full((len(tokens), len(cards)), np.nan)
        for place, patches in enumerate(tokens.patches):
            try:
                rows = Rows(patches)
            except RepscopeError:
                continue
            values[place] = [_value(card, rows) for card in cards]
        for which, card in enumerate(cards):
            self._add(tokens.layer, card.name, values[:, which])

    def _sample(self, tokens: Tokens, frames: NDArray[Any], ids: Sequence[str]) -> None:
        """Patches of the images whose ids hash low enough to have a chance; only those that stay are copied."""
        limit = low(self.asked.sample, self.images)
        for name, patches, frame in zip(ids, tokens.patches, frames, strict=True):
            priority = priority_of(name)
            if len(self.sampled) == self.asked.sample and priority <= limit:
                limit = max(self.sampled)
                if priority < limit:
                    del self.sampled[limit]
            if priority <= limit and len(self.sampled) < self.asked.sample:
                self.sampled[priority] = name, patches.copy(), frame

    def done(self) -> Said:
        """All of the shard, with the moments of its embeddings."""
        columns = {of: np.concatenate(parts) for of, parts in self.parts.items()}
        if "moments" in self.asked.keep:
            for (layer, what), rows in columns.items():
                if what in ("cls", "mean"):
                    self.states["moments", layer, what] = Moments().of(rows)
        if self.sampled:
            ids, patches, frames = zip(*self.sampled.values(), strict=True)
            few, layer = Reservoir(size=self.asked.sample), self.asked.sampled
            self.states["reservoir", layer, "patches"] = few.of(np.stack(patches), ids)
            self.states["reservoir", layer, "frame"] = few.of(np.stack(frames), ids)
        return Said(columns, self.states)


def low(sample: int, images: int) -> int:
    """The hash under which an image may be in the sample: MARGIN times as many as there is room for, rounded up.

    To powers of two, so that a few images more or less change nothing for the others.
    """
    share = MARGIN * sample / images
    return int(2.0 ** min(64 + np.ceil(np.log2(share)), 64)) - 1


def put_together(
    shard: Shard,
    rows: Sequence[Row],
    failures: Sequence[Failure],
    said: Mapping[str, Said],
    asked: Asked,
    pools: Mapping[str, Sequence[str]],
) -> Encoded:
    """The parts of all encoders, by the names of columns, and how they vary together.

    Args:
        said: Name of an encoder in columns -> its part.
        pools: The embeddings that are kept of each, its authors' first.
    """
    columns = {column(name, *of): values for name, each in said.items() for of, values in each.columns.items()}
    states: dict[Key, Accumulator] = {
        (kind, column(name, layer, what)): state
        for name, each in said.items()
        for (kind, layer, what), state in each.states.items()
    }
    if "moments" in asked.keep and rows:
        for one, other in combinations([name for name in said if pools[name]], 2):
            for layer in asked.layers:
                a, b = (column(name, layer, pools[name][0]) for name in (one, other))
                both = np.concatenate([columns[a], columns[b]], 1)
                states["cross", f"{a}|{b}"] = CrossMoments(split=columns[a].shape[1]).of(both)
    return Encoded(shard, tuple(rows), tuple(failures), columns, states)


def _value(card: Any, rows: Rows) -> float:
    try:
        return card.of(rows)
    except UnfitTokens:
        return np.nan
