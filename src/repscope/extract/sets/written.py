"""Written: a shard as the files that are kept of it."""

from typing import Any

from repscope.extract.sets.job import Job
from repscope.extract.sets.shard import Encoded
from repscope.store.job_folder import JobFolder
from repscope.store.shard_file import as_bytes


def write(job: Job, folder: JobFolder, encoded: Encoded) -> None:
    """Its rows, its accumulators, then its line of the ledger."""
    rows, shard = encoded.rows, encoded.shard
    known: dict[str, list[Any]] = {
        "id": [row.id for row in rows],
        "source": [row.source for row in rows],
        "label": [row.label for row in rows],
        "sha256": [row.sha256 for row in rows],
        "index": [row.index for row in rows],
        "width": [row.size[0] for row in rows],
        "height": [row.size[1] for row in rows],
        **{name: [row.columns[k] for row in rows] for k, name in enumerate(job.extra)},
    }
    table = as_bytes(known, encoded.columns, job.widths, job.numbers, job.asked.store)
    entry = {
        "shard": shard.name,
        "part": shard.part.name,
        "start": shard.start,
        "stop": shard.stop,
        "rows": len(rows),
        "failed": [{"id": f.id, "source": f.source, "reason": f.reason} for f in encoded.failures],
    }
    folder.keep(shard.name, table, encoded.states, entry)
