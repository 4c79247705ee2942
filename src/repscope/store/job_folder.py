"""JobFolder: a folder that a job fills shard by shard, and that says at any moment what it has.

job.json      what was asked; another job is refused
shards/       the rows, a Parquet file for each shard
ledger/       a line for each shard that is done: its file, and the images that failed
states/       the accumulators of each shard
manifest.json at the end, with every file's SHA-256; then ledger/ and states/ have become
failed.csv    every image that could not be read, and why
accumulators.safetensors   the sum of all shards', in their order
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

from repscope.accumulators import Accumulator
from repscope.errors import NoImages, RepscopeError, UnfitData, Unwritable
from repscope.images.sets import Place
from repscope.images.sets.place import Local
from repscope.store.states import Key, packed, summed, unpacked

SCHEMA = "repscope.embed/1"
JOB, MANIFEST, FAILED, ACCUMULATORS = "job.json", "manifest.json", "failed.csv", "accumulators.safetensors"


def as_json(value: Any) -> bytes:
    """The same value gives the same bytes."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


class JobFolder:
    """The files of one job, at a place on this machine or in a store.

    Attributes:
        place: Where they are.
        job: What was asked, as plain values; empty until `begin` or `read`.
    """

    def __init__(self, place: Place):
        self.place = place
        self.job: dict[str, Any] = {}

    # what was asked

    def begin(self, job: dict[str, Any]) -> None:
        """Lay down what is asked, or find it there; raises Unwritable for the folder of another job."""
        known = self._json(JOB)
        if known is None:
            self._refuse_others()
            known = json.loads(as_json(job))
            self.write(JOB, as_json(job))
        self.job = known
        if unlike := _unlike(known, json.loads(as_json(job))):
            raise Unwritable(
                f"{self.place} holds another job: {unlike}. Choose another folder, or ask again what was asked there."
            )

    def read(self) -> "JobFolder":
        """The same, with what was asked; raises UnfitData where the folder is of no job."""
        known = self._json(JOB)
        if not isinstance(known, dict) or known.get("schema") != SCHEMA:
            raise UnfitData(f"{self.place} was not made by `repscope embed`: it has no {JOB} of it.")
        self.job = known
        return self

    def _refuse_others(self) -> None:
        kind = self.place.kind()
        if kind not in ("nothing", "folder"):
            raise Unwritable(f"{self.place} is a file; embeddings are written into a folder.")
        if kind == "folder" and any(not entry.name.endswith(".part") for entry in self.place.entries()):
            raise Unwritable(
                f"{self.place} already holds files, and no job of `repscope embed`. Choose another folder."
            )

    # its shards

    def keep(self, name: str, table: bytes, states: Mapping[Key, Accumulator], entry: dict[str, Any]) -> None:
        """A shard that is done. The ledger is written last: what it names is there."""
        entry = {**entry, "file": self.shard_path(name), "bytes": len(table), "sha256": sha256(table).hexdigest()}
        self.write(f"states/{name}.safetensors", packed(states))
        self.write(entry["file"], table)
        self.write(f"ledger/{name}.json", as_json(entry))

    @staticmethod
    def shard_path(name: str) -> str:
        return f"shards/{name}.parquet"

    def done(self) -> dict[str, dict[str, Any]]:
        """Shard -> its line of the ledger; raises UnfitData for a shard whose file is not as the ledger says."""
        manifest = self.manifest()
        if manifest is not None:
            return {entry["shard"]: entry for entry in manifest["shards"]}
        sizes = {entry.name: entry.size for entry in self._entries()}
        found = {}
        for name in sorted(sizes):
            if name.startswith("ledger/") and name.endswith(".json"):
                entry = self._json(name)
                if entry is None or sizes.get(entry["file"]) != entry["bytes"]:
                    raise UnfitData(f"{self.place.below(name)} names a file that is not there as it says; delete it.")
                found[entry["shard"]] = entry
        return found

    def _entries(self) -> list[Any]:
        return self.place.entries() if self.place.kind() == "folder" else []

    # its end

    @property
    def shard_names(self) -> list[str]:
        """Of all shards that the job will have."""
        parts, size = self.job["source"]["parts"], self.job["shard"]
        return [f"{number:06d}" for number in range(sum(-(-part["images"] // size) for part in parts))]

    def finish(self) -> dict[str, Any]:
        """The manifest: where all shards are there their accumulators are added up, and what it replaces is removed.

        Raises UnfitData where a shard is missing, NoImages where none of the images could be read.
        """
        if manifest := self.manifest():
            self.clear()
            return manifest
        done = self.done()
        if missing := [name for name in self.shard_names if name not in done]:
            raise UnfitData(
                f"{self.place} has {len(done)} of {len(self.shard_names)} shards; {missing[0]} is the first that is "
                "missing. Run the jobs that are left."
            )
        entries = [done[name] for name in self.shard_names]
        if not any(entry["rows"] for entry in entries):
            first = next(each for entry in entries for each in entry["failed"])
            raise NoImages(f"None of the images could be read. The first: {first['source']}: {first['reason']}")
        files = {entry["file"]: {"bytes": entry["bytes"], "sha256": entry["sha256"]} for entry in entries}
        for name, data in ((ACCUMULATORS, packed(self._summed(entries))), (FAILED, _failed(entries))):
            self.write(name, data)
            files[name] = {"bytes": len(data), "sha256": sha256(data).hexdigest()}
        manifest = {
            "schema": SCHEMA,
            "job": sha256(as_json(self.job)).hexdigest(),
            "images": sum(entry["stop"] - entry["start"] for entry in entries),
            "rows": sum(entry["rows"] for entry in entries),
            "failed": sum(len(entry["failed"]) for entry in entries),
            "shards": [{**entry, "failed": []} for entry in entries],
            "files": files,
        }
        self.write(MANIFEST, as_json(manifest))
        self.clear()
        return manifest

    def _summed(self, entries: Iterable[dict[str, Any]]) -> dict[Key, Accumulator]:
        whole: dict[Key, Accumulator] = {}
        for entry in entries:
            name = f"states/{entry['shard']}.safetensors"
            try:
                whole = summed(whole, unpacked(self.place.below(name).read(), str(self.place.below(name))))
            except FileNotFoundError:
                raise UnfitData(
                    f"{self.place.below(name)} is gone. Delete ledger/{entry['shard']}.json beside it and ask again: "
                    "that shard is encoded anew."
                ) from None
        return whole

    def clear(self) -> None:
        """Remove what a finished job needs no more, and what was left aside by one that was killed."""
        for entry in self._entries():
            if entry.name.startswith(("states/", "ledger/")):
                self.place.below(entry.name).remove()
        if isinstance(self.place, Local):
            for aside in self.place.path.rglob(".*.part"):
                aside.unlink(missing_ok=True)
            for name in ("states", "ledger"):
                with suppress(OSError):
                    (self.place.path / name).rmdir()

    def manifest(self) -> dict[str, Any] | None:
        """What a finished job says of itself; None for one that is not."""
        return self._json(MANIFEST)

    def accumulators(self) -> dict[Key, Accumulator]:
        where = self.place.below(ACCUMULATORS)
        return unpacked(where.read(), str(where))

    def failures(self) -> Iterator[dict[str, str]]:
        """id, source and reason of every image that could not be read, of a finished job."""
        yield from csv.DictReader(io.StringIO(self.place.below(FAILED).read().decode(), newline=""))

    # files

    def _json(self, name: str) -> dict[str, Any] | None:
        where = self.place.below(name)
        try:
            said = json.loads(where.read())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, RecursionError):
            raise UnfitData(f"{where} is damaged: it is no JSON. Delete it and ask again.") from None
        if not isinstance(said, dict):
            raise UnfitData(f"{where} is damaged: it should hold an object. Delete it and ask again.")
        return said

    def write(self, name: str, data: bytes) -> None:
        """A file of the folder, whole; raises Unwritable where it cannot be."""
        try:
            self.place.below(name).write(data)
        except RepscopeError:
            raise
        except OSError as error:
            raise Unwritable(
                f"Cannot write {self.place.below(name)}: {error.strerror or error}. What is done is kept: make room or "
                "choose who may write there, and the same command goes on."
            ) from None


def _failed(entries: Iterable[dict[str, Any]]) -> bytes:
    made = io.StringIO(newline="")
    rows = csv.DictWriter(made, ("id", "source", "reason"), lineterminator="\n")
    rows.writeheader()
    for entry in entries:
        rows.writerows(entry["failed"])
    return made.getvalue().encode(errors="backslashreplace")


def _unlike(known: Any, asked: Any) -> str:
    """In which way two jobs differ, in words; empty where they do not."""
    for name in sorted({*known, *asked}, key=lambda name: (name == "columns", name)):  # which follow from the rest
        if name == "source":
            told = _moved(known.get(name, {}), asked[name])
        elif name == "encoders":
            told = _others(known.get(name, ()), asked[name])
        else:
            before, now = known.get(name), asked.get(name)
            told = "" if before == now else f"{name} was {_few(before)}, now it is {_few(now)}"
        if told:
            return told
    return ""


def _others(known: Sequence[Mapping[str, Any]], asked: Sequence[Mapping[str, Any]]) -> str:
    """Whether the encoders are other ones; where their weights lie, and so what they are called, does not matter."""
    names = [[each["column"] for each in encoders] for encoders in (known, asked)]
    if names[0] != names[1]:
        return f"its encoders were {', '.join(names[0])}, now they are {', '.join(names[1])}"
    for before, now in zip(known, asked, strict=True):
        if before["weights"] != now["weights"]:
            return f"{now['column']} had weights of SHA-256 {before['weights'][:12]}, now {now['weights'][:12]}"
        if before["precision"] != now["precision"]:
            return f"{now['column']} was run in {before['precision']}, now in {now['precision']}"
        if {**before["contract"], "name": ""} != {**now["contract"], "name": ""}:
            return f"the contract of {now['column']} was another one"
    return ""


def _moved(known: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Whether the images are other ones; where they lie does not matter."""
    before, now = ({part["name"]: part for part in source.get("parts", ())} for source in (known, asked))
    if known.get("images") != asked["images"]:
        return f"its source had {known.get('images'):,} images, now there are {asked['images']:,}"
    changed = [name for name in now if now[name] != before.get(name)]
    if changed:
        what = "other names, sizes or labels" if len(now) == 1 else f"changed in {', '.join(changed[:3])}"
        return f"its source had the same number of images, but {what}"
    return "" if list(before) == list(now) else "its source had its files in another order"


def _few(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 200 else f"{text[:200]} ..."
