"""Stored: a folder that `embed` has filled, opened: nothing is read before it is asked for."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from repscope.accumulators import Accumulator, CrossMoments, Histogram, Moments, Reservoir
from repscope.accumulators.reservoir import priority_of
from repscope.errors import UnfitData, UnreadableImage
from repscope.frames import Frame
from repscope.images import Photo
from repscope.images.pace import Pace
from repscope.images.sets import ImageSet, Item, Place, image_set, place
from repscope.store.arrays import as_array, mapped
from repscope.store.columns import ROW, column
from repscope.store.embedded import Array, Embedded, Names, Sample, of_kind
from repscope.store.job_folder import MANIFEST, SCHEMA, JobFolder
from repscope.store.states import Key


def opened(folder: "str | os.PathLike[str] | Place", encoders: Sequence[str] | None = None) -> "Stored":
    """What `embed` has written into a folder, on this machine or in a store.

    Args:
        encoders: The only ones that are asked about, in this order; all where not given.

    Raises UnfitData for a folder of something else, or of a job that is not finished; UnknownName for an encoder
    that is not in it.
    """
    where = folder if isinstance(folder, Place) else place(folder)
    if where.kind() != "folder":
        raise UnfitData(f"There is no folder {where}; make one with `repscope embed SOURCE -m a,b -o {where}`.")
    files = JobFolder(where).read()
    manifest = files.manifest()
    if manifest is None:
        raise UnfitData(
            f"{where} is not finished: {len(files.done())} shards are done. Run the same `repscope embed` again, or "
            "`repscope merge` where several jobs did it."
        )
    if manifest.get("schema") != SCHEMA:
        raise UnfitData(f"{where.below(MANIFEST)} is not that of an embedded set; embed the set again.")
    return Stored(files, manifest, encoders)


def is_stored(given: str) -> bool:
    """Whether a place is a folder of `embed`, finished or not."""
    where = place(given)
    return where.kind() == "folder" and where.below("job.json").kind() == "file"


@final
class Stored(Embedded):
    """N images of a finished job, a row for each that could be read, in the order of the source.

    Attributes:
        folder: Where the files are.
        manifest: What it says of itself.
    """

    def __init__(self, files: JobFolder, manifest: dict[str, Any], encoders: Sequence[str] | None = None):
        self.files, self.folder, self.manifest = files, files.place, manifest
        self.name: str = files.job["source"]["name"]
        self._texts: dict[str, Names] = {}
        self._columns: dict[str, dict[str, Any]] = files.job["columns"]
        self._encoders = {each["column"]: each for each in files.job["encoders"]}
        self.encoders = tuple(self._encoders)
        self.encoders = tuple(self.known(encoder) for encoder in encoders) if encoders else self.encoders

    def __len__(self) -> int:
        return self.manifest["rows"]

    def __repr__(self) -> str:
        layers = ", ".join(map(str, self.files.job["layers"]))
        return f"{self.name}: {len(self):,} images under {', '.join(self.encoders)}, layers {layers}, in {self.folder}"

    # of every image

    def column(self, name: str) -> NDArray[Any]:
        """A column of text or numbers, (N,); raises UnknownName for one that there is none of."""
        of_kind("column of this set", name, tuple(self._columns))
        table = self.table([name])
        return table.column(name).to_numpy(zero_copy_only=False)

    @property
    def ids(self) -> Names:
        return self._text("id")

    @property
    def sources(self) -> Names:
        return self._text("source")

    @property
    def digests(self) -> Names:
        return self._text("sha256")

    @property
    def labels(self) -> Names | None:
        labels = self._text("label")
        return labels if any(label is not None for label in labels) else None

    def _text(self, name: str) -> Names:
        if name not in self._texts:
            self._texts[name] = self.column(name)
        return self._texts[name]

    @property
    def columns(self) -> tuple[str, ...]:
        """What else the source said of every image."""
        return tuple(name for name, about in self._columns.items() if about["kind"] == "row" and name not in ROW)

    # of every encoder

    def layers(self, encoder: str) -> tuple[int, ...]:
        self.known(encoder)
        return tuple(self.files.job["layers"])

    def pools(self, encoder: str, layer: int = -1) -> tuple[str, ...]:
        of_kind("layer of this set", layer, self.layers(encoder))
        return tuple(self._encoders[encoder]["pools"])

    def embedding(self, encoder: str, pool: str | None = None, layer: int = -1) -> Float[Array, "N D"]:
        known = self.pools(encoder, layer)
        return self._vectors(
            column(encoder, layer, of_kind("pool of this set", pool or (known or ("mean",))[0], known))
        )

    def patches(self, encoder: str, layer: int = -1) -> Float[Array, "N H W D"]:
        """The patches of every image, mapped from disk; raises UnknownName where they were not kept."""
        name = column(encoder, layer, "patches")
        about = self._columns[of_kind("column of this set", name, tuple(self._columns))]
        return self._vectors(name).reshape(len(self), *about["shape"])

    def _vectors(self, name: str) -> Array:
        shards = self.manifest["shards"]
        return mapped(self.folder, self.manifest, name, lambda: (self._shard(each, [name]) for each in shards))

    def readings(self, encoder: str, layer: int = -1) -> Mapping[str, Float[Array, " N"]]:
        of_kind("layer of this set", layer, self.layers(encoder))
        names = [
            (about["what"], name)
            for name, about in self._columns.items()
            if about["kind"] == "number" and (about["encoder"], about["layer"]) == (encoder, layer)
        ]
        return {what: self.column(name) for what, name in names}

    # of the whole set

    @cached_property
    def _accumulators(self) -> dict[Key, Accumulator]:
        return self.files.accumulators()

    def _accumulator(self, kind: str, of: str) -> Any:
        known = [name for each, name in self._accumulators if each == kind]
        return self._accumulators[kind, of_kind(f"{kind} of this set", of, known)]

    def moments(self, encoder: str, of: str = "patches", layer: int = -1) -> Moments:
        return self._accumulator("moments", column(self.known(encoder), layer, of))

    def lengths(self, encoder: str, layer: int = -1) -> Histogram:
        """The lengths of all patches; raises UnknownName where moments were not kept."""
        return self._accumulator("histogram", column(self.known(encoder), layer, "patches"))

    def cross(self, one: str, other: str, layer: int = -1) -> CrossMoments:
        """How the embeddings of two encoders vary together, the first named first in the set."""
        a, b = (column(self.known(name), layer, self.pools(name, layer)[0]) for name in (one, other))
        return self._accumulator("cross", f"{a}|{b}")

    def sample(self, encoder: str, layer: int = -1) -> Sample:
        kept: Reservoir = self._accumulator("reservoir", column(self.known(encoder), layer, "patches"))
        frames: Reservoir = self._accumulator("reservoir", column(encoder, layer, "frame"))
        rows = np.array([self._by_priority[int(priority)] for priority in kept.priority])
        order = np.argsort(rows)
        shown = tuple(Frame(*map(float, frame)) for frame in frames.rows[order])
        return Sample(rows[order], kept.rows[order], shown)

    @cached_property
    def _by_priority(self) -> dict[int, int]:
        return {priority_of(name): row for row, name in enumerate(self.ids)}

    # the images themselves

    @cached_property
    def _images(self) -> ImageSet:
        return image_set(self.files.job["source"]["given"])

    @cached_property
    def _indices(self) -> NDArray[np.int64]:
        return self.column("index")

    def photo(self, row: int) -> Photo:
        from repscope.images.decode import decode

        item = self._item(row)
        if item.data is None:
            raise UnreadableImage(f"{item.source}: {item.reason}.")
        photo = decode(item.data, id=item.id, source=item.source, pace=self.pace)
        if photo.sha256 != self.digests[row]:
            raise UnreadableImage(f"{item.source}: it is not the image that was embedded; it has changed since.")
        return photo

    def _item(self, row: int) -> Item:
        from repscope.errors import RepscopeError

        try:
            return self._images.item(int(self._indices[row]))
        except RepscopeError as error:
            raise UnreadableImage(f"{self.ids[row]}: its source cannot be read again ({error})") from None

    @property
    def pace(self) -> Pace:
        """How images were decoded and scaled; jobs say it where it is not the exact way."""
        return "fast" if self.files.job.get("pace") == "fast" else "exact"

    def described(self, encoder: str) -> dict[str, Any]:
        about = self._encoders[self.known(encoder)]
        return {name: about[name] for name in ("revision", "precision", "contract")}

    @property
    def origin(self) -> dict[str, Any]:
        job = self.files.job
        kept = ("layers", "keep", "framing", "batch", "store", "versions")
        return {
            "folder": str(self.folder),
            "source": job["source"]["given"],
            "images": len(self),
            "failed": self.manifest["failed"],
            "job": self.manifest["job"],
            **{name: job[name] for name in kept},
            "pace": self.pace,
        }

    # as other libraries have it

    def _shard(self, entry: Mapping[str, Any], columns: Sequence[str] | None) -> Any:
        from pyarrow import ArrowException, parquet

        where = self.folder.below(entry["file"])
        for name in columns or ():
            of_kind("column of this set", name, tuple(self._columns))
        try:
            return parquet.ParquetFile(where.open()).read(columns=list(columns) if columns is not None else None)
        except (ArrowException, OSError) as error:
            raise UnfitData(f"{where} cannot be read ({error}); embed the set again.") from None

    def table(self, columns: Sequence[str] | None = None) -> Any:
        """A pyarrow Table of these columns, or of all."""
        import pyarrow

        return pyarrow.concat_tables(self._shard(entry, columns) for entry in self.manifest["shards"])

    def to_pandas(self, columns: Sequence[str] | None = None) -> Any:
        """A pandas data frame of these columns, or of all; a vector is an array in its cell."""
        return self.table(columns).to_pandas()

    def to_polars(self, columns: Sequence[str] | None = None) -> Any:
        """A Polars data frame of these columns, or of all."""
        import polars

        return polars.from_arrow(self.table(columns))

    def batches(self, size: int = 1024, columns: Sequence[str] | None = None) -> Iterator[dict[str, NDArray[Any]]]:
        """Column -> its rows, `size` images at a time, a shard in memory at once; a vector column is (n, D)."""
        for entry in self.manifest["shards"]:
            table = self._shard(entry, columns)
            for start in range(0, len(table), size):
                some = table.slice(start, size)
                yield {name: as_array(some.column(name)) for name in some.column_names}
