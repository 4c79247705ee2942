"""Job: a set of images under encoders, as plain values that can be held against those of an earlier run."""

import platform
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

from repscope.encoders import Encoder
from repscope.extract.sets.asked import Asked
from repscope.extract.sets.plan import Shard, shards
from repscope.images.pace import Pace
from repscope.images.sets import ImageSet
from repscope.store.columns import POOLS, ROW, column, short
from repscope.store.job_folder import SCHEMA

LIBRARIES = ("repscope", "torch", "numpy", "pillow", "pyarrow")


@dataclass(frozen=True, eq=False)
class Job:
    """What is encoded, by whom, and what is kept."""

    images: ImageSet
    encoders: tuple[Encoder, ...]
    asked: Asked

    @cached_property
    def names(self) -> list[str]:
        """What each encoder is called in columns."""
        return short([encoder.contract.name for encoder in self.encoders])

    @cached_property
    def shards(self) -> list[Shard]:
        return list(shards(self.images, self.asked.shard))

    @property
    def pools(self) -> dict[str, tuple[str, ...]]:
        """Name -> the embeddings that are kept."""
        return {name: self.asked.pools(encoder) for name, encoder in zip(self.names, self.encoders, strict=True)}

    def plain(self) -> dict[str, Any]:
        """Everything that decides what is written, and where it came from."""
        return {
            "schema": SCHEMA,
            "source": {
                "name": self.images.name,
                "given": self.images.source,
                "images": len(self.images),
                "columns": list(self.images.columns),
                "parts": [{"name": p.name, "images": len(p), "digest": p.digest} for p in self.images.parts],
            },
            "encoders": [self._plain(k) for k in range(len(self.encoders))],
            "columns": self._columns(),
            **_told(self.asked),
            "versions": versions(self.asked.pace),
        }

    def _plain(self, k: int) -> dict[str, Any]:
        encoder = self.encoders[k]
        return {
            "column": self.names[k],
            "pools": list(self.asked.pools(encoder)),
            "precision": precision_of(encoder),
            "weights": weights_of(encoder),
            "revision": encoder.revision,
            "grid": list(encoder.contract.grid),
            "contract": asdict(encoder.contract),
        }

    @cached_property
    def widths(self) -> dict[str, int]:
        """Columns of vectors and their widths, in the order they are written."""
        found: dict[str, int] = {}
        for name, encoder in zip(self.names, self.encoders, strict=True):
            contract = encoder.contract
            width, (rows, columns) = contract.architecture.width, contract.grid
            for layer in self.asked.layers:
                found |= {column(name, layer, pool): width for pool in self.asked.pools(encoder)}
                if "patches" in self.asked.keep:
                    found[column(name, layer, "patches")] = rows * columns * width
            found[column(name, -1, "frame")] = 4
        return found

    @cached_property
    def numbers(self) -> list[str]:
        """Columns of one number each, in the order they are written."""
        if "readings" not in self.asked.keep:
            return []
        return [column(n, layer, r) for n in self.names for layer in self.asked.layers for r in self.asked.readings]

    def _columns(self) -> dict[str, dict[str, Any]]:
        """What each column of the shards is."""
        said: dict[str, dict[str, Any]] = {name: {"kind": "row"} for name in (*ROW, *self.extra)}
        for name, encoder in zip(self.names, self.encoders, strict=True):
            said[column(name, -1, "frame")] = {"kind": "frame", "encoder": name}
            for layer in self.asked.layers:
                for what in (*POOLS, "patches", *self.asked.readings):
                    of = column(name, layer, what)
                    kind = "vector" if of in self.widths else "number" if of in self.numbers else ""
                    if kind:
                        said[of] = {"kind": kind, "encoder": name, "layer": layer, "what": what}
                        if what == "patches":
                            said[of]["shape"] = [*encoder.contract.grid, encoder.contract.architecture.width]
        return said

    @property
    def extra(self) -> tuple[str, ...]:
        """Further columns of the source, with names of their own where ours have them."""
        return tuple(name if name not in ROW else f"source_{name}" for name in self.images.columns)


def weights_of(encoder: Encoder) -> str:
    """The SHA-256 of its weights, or all that it says of where they came from."""
    found = re.search(r"sha256 ([0-9a-f]{64})", encoder.revision)
    return found[1] if found else encoder.revision


def _told(asked: Asked) -> dict[str, Any]:
    """As plain values; a pace that is not told is the exact one, as it was while there was no other."""
    said = asdict(asked)
    return {name: value for name, value in said.items() if (name, value) != ("pace", "exact")}


def versions(pace: Pace = "exact") -> dict[str, str]:
    """Of everything that has a say in what is written."""
    known = (*LIBRARIES, "simplejpeg") if pace == "fast" else LIBRARIES
    return {"python": platform.python_version(), **{name: version(name) for name in known}}


def precision_of(encoder: Encoder) -> str:
    """Of its matrix products."""
    return getattr(encoder, "precision", "float32")
