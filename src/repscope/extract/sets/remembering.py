"""Remembering: the shards of a job through a cache, keyed by the bytes of their images and by who looks at them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repscope.accumulators import Accumulator
from repscope.encoders import Encoder
from repscope.extract.sets.job import Job, precision_of, versions, weights_of
from repscope.extract.sets.local import Heard, Told, heard
from repscope.extract.sets.plan import Shard
from repscope.extract.sets.prepared import Failure, Row
from repscope.extract.sets.shard import Said, low
from repscope.images.sets import Item
from repscope.store.cache import Cache
from repscope.store.states import built, flat

READ = "read"
"""Who says how large images are, and which cannot be read."""


@dataclass(frozen=True, eq=False)
class Remembering:
    """The cache as one job uses it."""

    job: Job
    cache: Cache

    def heard(self, shards: Sequence[Shard], threads: int, told: Told) -> Iterator[Heard]:
        """As `local.heard`; what is known is not encoded again, and what is encoded is known from then on."""
        job = self.job
        if not self.cache.knows(READ) or not any(self.cache.knows(self._who(encoder)) for encoder in job.encoders):
            yield from self._kept(shards, job.encoders, threads, told)
            return
        for shard in shards:
            items = [_hashed(item) for item in shard.part.items(shard.start, shard.stop)]
            known = self._known(items)
            unknown = [encoder for encoder, said in zip(job.encoders, known, strict=True) if said is None]
            read = self._read(shard, items) if not unknown else None
            if read is None:
                unknown = unknown or list(job.encoders)
                for _, rows, failures, said in self._kept([shard], unknown, threads, told):
                    new = dict(zip(map(id, unknown), said, strict=True))
                    both = [new.get(id(e), s) for e, s in zip(job.encoders, known, strict=True)]
                    yield shard, rows, failures, [each for each in both if each is not None]
                continue
            told(len(shard))
            yield shard, *read, [each for each in known if each is not None]

    def _kept(self, shards: Sequence[Shard], encoders: Sequence[Encoder], threads: int, told: Told) -> Iterator[Heard]:
        job = self.job
        found = heard(shards, encoders, job.asked, len(job.images), job.images.columns, threads=threads, told=told)
        for shard, rows, failures, said in found:
            self._keep(rows, failures, encoders, said)
            yield shard, rows, failures, said

    def _keep(
        self, rows: Sequence[Row], failures: Sequence[Failure], encoders: Sequence[Encoder], said: Sequence[Said]
    ) -> None:
        every = sorted([*rows, *failures], key=lambda each: each.index)
        digests = [each.sha256 for each in every]
        sizes = [each.size if isinstance(each, Row) else (0, 0) for each in every]
        reasons = json.dumps([each.reason for each in failures]).encode()
        read = {"sizes": np.array(sizes, np.int32), "reasons": np.frombuffer(reasons, np.uint8)}
        self.cache.put(READ, _key(digests), read)
        what = self._what(digests, [each.id for each in every])
        for encoder, each in zip(encoders, said, strict=True):
            self.cache.put(self._who(encoder), what, _arrays(each))

    def _known(self, items: Sequence[Item]) -> list[Said | None]:
        what = self._what([item.reason for item in items], [item.id for item in items])
        found = (self.cache.get(self._who(encoder), what) for encoder in self.job.encoders)
        return [None if arrays is None else _said(arrays) for arrays in found]

    def _read(self, shard: Shard, items: Sequence[Item]) -> tuple[list[Row], list[Failure]] | None:
        known = self.cache.get(READ, _key([item.reason for item in items]))
        if known is None or known["sizes"].shape != (len(items), 2):
            return None
        columns, rows, failures = self.job.images.columns, list[Row](), list[Failure]()
        reasons = iter(json.loads(known["reasons"].tobytes()))
        for index, (item, size) in enumerate(
            zip(items, known["sizes"].tolist(), strict=True), shard.before + shard.start
        ):
            if not size[0]:
                failures.append(Failure(item.id, item.source, next(reasons), item.reason, index))
                continue
            others = tuple(item.columns.get(name) for name in columns)
            rows.append(Row(item.id, item.source, item.label, item.reason, index, (size[0], size[1]), others))
        return rows, failures

    def _who(self, encoder: Encoder) -> str:
        """An encoder and all that is asked of it."""
        asked = {name: value for name, value in asdict(self.job.asked).items() if name not in ("shard", "store")}
        contract = {**asdict(encoder.contract), "name": "", "notes": ()}
        return _key(
            [json.dumps([asked, contract, weights_of(encoder), precision_of(encoder), versions()], sort_keys=True)]
        )

    def _what(self, digests: Sequence[str], ids: Sequence[str]) -> str:
        """The images; and where some are sampled, what decides which."""
        if "sample" not in self.job.asked.keep:
            return _key(digests)
        return _key([*digests, *ids, str(low(self.job.asked.sample, len(self.job.images)))])


def _hashed(item: Item) -> Item:
    """The same without its bytes; their digest in place of a reason."""
    return replace(item, data=None, reason="" if item.data is None else hashlib.sha256(item.data).hexdigest())


def _key(words: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(words).encode(errors="surrogateescape")).hexdigest()[:32]


def _arrays(said: Said) -> dict[str, NDArray[Any]]:
    columns = {f"column|{layer}|{what}": values for (layer, what), values in said.columns.items()}
    return columns | flat({(kind, f"{layer} {what}"): state for (kind, layer, what), state in said.states.items()})


def _said(arrays: dict[str, NDArray[Any]]) -> Said:
    columns: dict[tuple[int, str], NDArray[Any]] = {}
    states: dict[tuple[str, int, str], Accumulator] = {}
    for name in [name for name in arrays if name.startswith("column|")]:
        _, layer, what = name.split("|", 2)
        columns[int(layer), what] = arrays.pop(name)
    for (kind, of), state in built(arrays).items():
        layer, _, what = of.partition(" ")
        states[kind, int(layer), what] = state
    return Said(columns, states)
