"""Remembering: the shards of a job through a cache, keyed by the bytes of their images and by who looks at them."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
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
        # first all bytes, then all pixels: a file of many images is read front to back both times
        hashed = [[_hashed(item) for item in shard.part.items(shard.start, shard.stop)] for shard in shards]
        for shard, items in zip(shards, hashed, strict=True):
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
        sample = self._sample([each.id for each in every])
        for encoder, each in zip(encoders, said, strict=True):
            for layer in self.job.asked.layers:
                who, what = self._who(encoder), f"{_key(digests)}-{layer}"
                self.cache.put(
                    who, what, (self.cache.get(who, what) or {}) | _arrays(each, layer, sample, self._sampled(layer))
                )

    def _known(self, items: Sequence[Item]) -> list[Said | None]:
        digests, sample = [item.reason for item in items], self._sample([item.id for item in items])
        return [self._whole(encoder, _key(digests), sample, len(items)) for encoder in self.job.encoders]

    def _whole(self, encoder: Encoder, digests: str, sample: str, images: int) -> Said | None:
        """The same, or None for what is damaged: it is encoded again."""
        try:
            said = self._said(encoder, digests, sample)
        except (KeyError, ValueError, TypeError):
            return None
        rows = {len(values) for values in said.columns.values()} if said else set()
        return said if len(rows) <= 1 and max(rows, default=0) <= images else None

    def _said(self, encoder: Encoder, digests: str, sample: str) -> Said | None:
        """All that is asked of an encoder, where all of it is there."""
        found = Said({}, {})
        for layer in self.job.asked.layers:
            arrays = self.cache.get(self._who(encoder), f"{digests}-{layer}")
            part = None if arrays is None else _said(arrays, layer, sample, self._wanted(encoder, layer, arrays))
            if part is None:
                return None
            found = Said(found.columns | part.columns, found.states | part.states)
        return found

    def _wanted(self, encoder: Encoder, layer: int, arrays: Mapping[str, Any]) -> set[str]:
        """The names of the entries that are asked for; the sample, where these images have none, is nothing."""
        asked = self.job.asked
        pools = asked.pools(encoder)
        wanted = {f"column|{pool}" for pool in pools} | ({"column|frame"} if layer == asked.layers[0] else set())
        if "readings" in asked.keep:
            wanted |= {f"column|{name}" for name in asked.readings}
        if "moments" in asked.keep:
            wanted |= {f"moments {what}" for what in ("patches", *pools)} | {"histogram patches"}
        if self._sampled(layer):
            wanted.add("sampled")
        return wanted if arrays else set()

    def _read(self, shard: Shard, items: Sequence[Item]) -> tuple[list[Row], list[Failure]] | None:
        known = self.cache.get(READ, _key([item.reason for item in items])) or {}
        sizes, told = known.get("sizes", np.zeros(0)), known.get("reasons", np.zeros(0, np.uint8))
        if sizes.shape != (len(items), 2):
            return None
        try:
            words = json.loads(told.tobytes())
        except ValueError:
            return None
        if not isinstance(words, list) or len(words) != int((sizes[:, 0] == 0).sum()):
            return None
        columns, rows, failures = self.job.images.columns, list[Row](), list[Failure]()
        reasons = iter(map(str, words))
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
        """An encoder, how it is shown images, and who multiplies."""
        contract = {**asdict(encoder.contract), "name": "", "notes": ()}
        asked = self.job.asked
        how = [asked.framing, asked.pace, asked.batch, precision_of(encoder), versions(asked.pace)]
        return _key([json.dumps([how, contract, weights_of(encoder)], sort_keys=True)])

    def _sampled(self, layer: int) -> bool:
        return "sample" in self.job.asked.keep and layer == self.job.asked.sampled

    def _sample(self, ids: Sequence[str]) -> str:
        """What decides which images are sampled."""
        asked = self.job.asked
        return _key([*ids, str(asked.sample), str(low(asked.sample, len(self.job.images)))])[:12]


def _hashed(item: Item) -> Item:
    """The same without its bytes; their digest in place of a reason."""
    return replace(item, data=None, reason="" if item.data is None else hashlib.sha256(item.data).hexdigest())


def _key(words: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(words).encode(errors="surrogateescape")).hexdigest()[:32]


def _arrays(said: Said, layer: int, sample: str, sampled: bool) -> dict[str, NDArray[Any]]:
    """What was said at a layer, each thing by a name that says what it is; the sample by what decides it too."""
    columns = {f"column|{what}": rows for (at, what), rows in said.columns.items() if at == layer or what == "frame"}
    named = {
        (kind, f"{what} {sample}" if kind == "reservoir" else what): state
        for (kind, at, what), state in said.states.items()
        if at == layer
    }
    return columns | flat(named) | ({f"sampled|{sample}": np.zeros(0)} if sampled else {})


def _said(arrays: Mapping[str, NDArray[Any]], layer: int, sample: str, wanted: set[str]) -> Said | None:
    """What is wanted of these; None where some of it is not there, or damaged."""
    columns: dict[tuple[int, str], NDArray[Any]] = {}
    states: dict[tuple[str, int, str], Accumulator] = {}
    for name in wanted & {name for name in wanted if name.startswith("column|")}:
        if name not in arrays:
            return None
        what = name.partition("|")[2]
        columns[-1 if what == "frame" else layer, what] = arrays[name]
    if "sampled" in wanted and f"sampled|{sample}" not in arrays:
        return None
    for (kind, of), state in built({n: a for n, a in arrays.items() if n.count("|") == 2}).items():
        what, _, decided = of.partition(" ")
        if kind == "reservoir":
            if "sampled" in wanted and decided == sample:
                states[kind, layer, what] = state
        elif f"{kind} {what}" in wanted:
            states[kind, layer, what] = state
    held = {f"{kind} {what}" for kind, _, what in states if kind != "reservoir"}
    return Said(columns, states) if held == {name for name in wanted if " " in name} else None
