"""Prepared: photos decoded and made ready for every encoder while the encoders look at those before them."""

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from repscope.encoders import Encoder
from repscope.encoders.encoder import Framing
from repscope.encoders.overlapped import shown
from repscope.errors import UnreadableImage
from repscope.extract.sets.plan import Shard
from repscope.images import Photo
from repscope.images.pace import Pace
from repscope.images.sets import Item
from repscope.threads import products, take

Later = Callable[[], Item]


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of an image that could be read, once its pixels are gone."""

    id: str
    source: str
    label: str | None
    sha256: str
    index: int
    size: tuple[int, int]
    columns: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An image that could not be read, and why; of its bytes the digest, where there were any."""

    id: str
    source: str
    reason: str
    sha256: str
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A batch of one shard.

    Attributes:
        shown: For each encoder what it is to be shown; of photos that failed there is nothing.
        last: Whether the shard ends with it.
    """

    shard: Shard
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    shown: tuple[Any, ...]
    last: bool


def prepare(
    shard: Shard,
    first: int,
    items: Sequence[Later],
    encoders: Sequence[Encoder],
    framing: Framing,
    columns: Sequence[str],
    pace: Pace = "exact",
) -> Prepared:
    """Read, decode and show the images from `first` on of a part; those that cannot be are told apart."""
    from repscope.images.decode import decode

    photos: list[Photo] = []
    rows: list[Row] = []
    failures: list[Failure] = []
    for index, later in enumerate(items, shard.before + first):
        item = later()
        try:
            if item.data is None:
                raise UnreadableImage(f"{item.source}: {item.reason}.")
            photo = decode(item.data, id=item.id, source=item.source, pace=pace)
        except UnreadableImage as error:
            reason = str(error).removeprefix(f"{item.source}: ")
            digest = "" if item.data is None else hashlib.sha256(item.data).hexdigest()
            told = _text(item.id), _text(item.source), _text(reason)
            failures.append(Failure(*told, digest, index))  # pyright: ignore[reportArgumentType]
            continue
        others = tuple(_text(item.columns.get(name)) for name in columns)
        told = _text(item.id), _text(item.source), _text(item.label)
        rows.append(Row(*told, photo.sha256, index, photo.size, others))  # pyright: ignore[reportArgumentType]
        photos.append(photo)
    ready = tuple(shown(encoder, photos, framing) for encoder in encoders) if photos else ()
    return Prepared(shard, tuple(rows), tuple(failures), ready, first + len(items) >= shard.stop)


def _text(said: str | None) -> str | None:
    """The same, where Parquet can hold it: bytes of a file's name that are no text are written out."""
    return said if said is None or said.isascii() else said.encode("utf-8", "backslashreplace").decode()


def prepared(
    shards: Sequence[Shard],
    encoders: Sequence[Encoder],
    framing: Framing,
    batch: int,
    columns: Sequence[str] = (),
    threads: int = 2,
    pace: Pace = "exact",
) -> Iterator[Prepared]:
    """Batch after batch, in order, made by `threads` threads that are a few batches ahead of whoever asks.

    What a thread raises is raised here, where its batch would have come.
    """
    stop = threading.Event()
    ready: queue.Queue[Future[Prepared] | BaseException | None] = queue.Queue(maxsize=threads + 1)

    def put(thing: Future[Prepared] | BaseException | None) -> None:
        while not stop.is_set():
            try:
                return ready.put(thing, timeout=0.1)
            except queue.Full:
                continue

    def read(pool: ThreadPoolExecutor) -> None:
        try:
            for shard in shards:
                later = shard.part.later(shard.start, shard.stop)
                for first in range(shard.start, shard.stop, batch):
                    some = [next(later) for _ in range(min(batch, shard.stop - first))]
                    if stop.is_set():
                        return
                    put(pool.submit(prepare, shard, first, some, encoders, framing, columns, pace))
            put(None)
        except BaseException as error:
            put(error)

    share = max(products() // threads, 1)  # torch scales some photos, and counts its threads for each that asks
    with ThreadPoolExecutor(threads, thread_name_prefix="show", initializer=take, initargs=(share,)) as pool:
        reader = threading.Thread(target=read, args=(pool,), name="read", daemon=True)
        reader.start()
        try:
            while (thing := ready.get()) is not None:
                if isinstance(thing, BaseException):
                    raise thing
                yield thing.result()
        finally:
            stop.set()
            reader.join()
            pool.shutdown(cancel_futures=True)
