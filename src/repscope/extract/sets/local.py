"""Local: the shards of a job, one after the other, in this process."""

from collections.abc import Callable, Iterator, Sequence

from repscope.encoders import Encoder
from repscope.encoders.overlapped import looked
from repscope.extract.sets.asked import Asked
from repscope.extract.sets.plan import Shard
from repscope.extract.sets.prepared import Failure, Prepared, Row, prepared
from repscope.extract.sets.shard import Hearing, Said

Heard = tuple[Shard, list[Row], list[Failure], list[Said]]
Told = Callable[[int], None]
"""Told of every batch how many images it had."""


def heard(
    shards: Sequence[Shard],
    encoders: Sequence[Encoder],
    asked: Asked,
    images: int,
    columns: Sequence[str] = (),
    *,
    threads: int = 2,
    told: Told = lambda count: None,  # noqa: ARG005
) -> Iterator[Heard]:
    """Each shard when it is finished: its rows, its failures, and what every encoder said of it.

    Args:
        images: Of the whole set.
        columns: What else of its source is kept of every image.
        threads: That read and decode.
    """
    rows: list[Row] = []
    failures: list[Failure] = []
    hearings: list[Hearing] = []
    for batch in prepared(shards, encoders, asked.framing, asked.batch, columns, threads, asked.pace):
        if not hearings:
            hearings = [Hearing(encoder, asked, images) for encoder in encoders]
        rows += batch.rows
        failures += batch.failures
        _hear(hearings, batch, asked)
        told(len(batch.rows) + len(batch.failures))
        if batch.last:
            yield batch.shard, rows, failures, [hearing.done() for hearing in hearings]
            rows, failures, hearings = [], [], []


def _hear(hearings: Sequence[Hearing], batch: Prepared, asked: Asked) -> None:
    if batch.rows:
        ids = [row.id for row in batch.rows]
        for hearing, ready in zip(hearings, batch.shown, strict=True):
            hearing.take(looked(hearing.encoder, ready, asked.layers), ids)
