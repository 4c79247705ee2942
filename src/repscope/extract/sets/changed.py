"""Changed: whether a shard that is done was made of the images that are there now."""

import hashlib
import io
from typing import Any

from repscope.errors import UnfitData
from repscope.extract.sets.plan import Shard
from repscope.store.job_folder import JobFolder


def unchanged(folder: JobFolder, shard: Shard, entry: dict[str, Any], *, verify: bool = False) -> None:
    """Raises UnfitData, and names the first image that is another one now.

    Contents are read again only where a file of the source is newer than the shard, or with `verify`: names and
    sizes were held against each other when the job was begun.
    """
    made = folder.place.below(entry["file"])
    try:
        if not verify and shard.part.changed(shard.start, shard.stop) <= made.entry().changed:
            return
        known = _known(made.read(), str(made))
    except FileNotFoundError:
        raise UnfitData(f"{made} is gone; embed the set again, into another folder.") from None
    for item in shard.part.items(shard.start, shard.stop):
        before, label = known.get(item.id, ("", None))  # none: it could not be read then
        if before and item.data is not None and label != item.label:
            raise UnfitData(
                f"{item.source} has the label {item.label!r} now, and {label!r} when it was embedded. Embed into "
                f"another folder, or remove {folder.place} first."
            )
        now = None if item.data is None else hashlib.sha256(item.data).hexdigest()
        if before and now != before:
            told = now[:16] if now else f"none ({item.reason})"
            raise UnfitData(
                f"{item.source} is not the image that was embedded: its SHA-256 was {before[:16]}, now it is {told}. "
                f"Embed into another folder, or remove {folder.place} first."
            )


def _known(table: bytes, what: str) -> dict[str, tuple[str, str | None]]:
    """Id -> digest and label."""
    from pyarrow import ArrowException, parquet

    try:
        rows = parquet.read_table(io.BytesIO(table), columns=["id", "sha256", "label"])
    except (ArrowException, OSError) as error:
        raise UnfitData(f"{what} cannot be read ({error}); embed the set again, into another folder.") from None
    told = zip(rows.column("sha256").to_pylist(), rows.column("label").to_pylist(), strict=True)
    return dict(zip(rows.column("id").to_pylist(), told, strict=True))
