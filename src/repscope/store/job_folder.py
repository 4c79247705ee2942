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
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from repscope.accumulators import Accumulator
from repscope.errors import NoImages, RepscopeError, UnfitData, Unwritable
from repscope.images.sets import Place
from repscope.images.sets.place import Local
from repscope.store.states import Key, packed, summed, unpacked

SCHEMA = "repscope.embed/1"
JOB, MANIFEST, FAILED, ACCUMULATORS = "job.json", "manifest.json", "failed.csv", "accumulators.safetensors"
OF_ENCODER = {"column", "pools", "contract", "weights", "precision", "revision"}
ABANDONED = 3600
"""Seconds after which a file that was set aside is nobody's: a run that is at work renames its own at once."""


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
            known = json.loads(as_json(job)) if self._laid(as_json(job)) else self._json(JOB)
            assert known is not None
        self.job = known
        if unlike := _unlike(known, json.loads(as_json(job))):
            raise Unwritable(
                f"{self.place} holds another job: {unlike}. Choose another folder, or ask again what was asked there."
            )

    def _laid(self, data: bytes) -> bool:
        """Lay job.json down; False where another run was first. A store has no such step: there the last one wins."""
        try:
            if isinstance(self.place, Local):
                return self.place.below(JOB).create(data)
            self.write(JOB, data)
            return True
        except OSError as error:
            raise self._unwritable(JOB, error) from None

    def read(self) -> "JobFolder":
        """The same, with what was asked; raises UnfitData where the folder is of no job, or it is damaged."""
        known = self._json(JOB)
        if not isinstance(known, dict) or known.get("schema") != SCHEMA:
            raise UnfitData(f"{self.place} was not made by `repscope embed`: it has no {JOB} of it.")
        if not _sound(known):
            raise UnfitData(f"{self.place.below(JOB)} is damaged: it does not say what was asked. Embed the set again.")
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
        self.note(name, entry)

    def note(self, name: str, entry: dict[str, Any]) -> None:
        """The line of the ledger that says that a shard of this job is there."""
        self.write(f"ledger/{name}.json", as_json({**entry, "job": sha256(as_json(self.job)).hexdigest()}))

    @staticmethod
    def shard_path(name: str) -> str:
        return f"shards/{name}.parquet"

    def done(self) -> dict[str, dict[str, Any]]:
        """Shard -> its line of the ledger; raises UnfitData for a shard whose file is not as the ledger says."""
        manifest = self.manifest()
        if manifest is not None:
            return {entry["shard"]: entry for entry in manifest["shards"]}
        job = sha256(as_json(self.job)).hexdigest()
        sizes = {entry.name: entry.size for entry in self._entries()}
        found = {}
        for name in sorted(sizes):
            if name.startswith("ledger/") and name.endswith(".json"):
                entry = self._entry(self._json(name), self.place.below(name))
                if entry.get("job") != job:
                    raise Unwritable(f"{self.place.below(name)} is of another job than {JOB}; choose another folder.")
                if sizes.get(entry["file"], self._size(entry["file"])) != entry["bytes"]:
                    raise UnfitData(f"{self.place.below(name)} names a file that is not there as it says; delete it.")
                found[entry["shard"]] = entry
        return found

    def _size(self, name: str) -> int:
        """Of a file that came after the folder was listed; -1 where there is none."""
        try:
            return self.place.below(name).entry().size
        except OSError:
            return -1

    def _entry(self, said: Any, where: Place) -> dict[str, Any]:
        """A line of a ledger; raises UnfitData for one that embed does not write, such as a path out of the folder."""
        name = said.get("shard") if isinstance(said, dict) else None
        named = isinstance(name, str) and re.fullmatch(r"[0-9]{6,12}", name)
        whole = named and said.get("file") == self.shard_path(str(name))
        if not whole or not all(isinstance(said.get(key), int) for key in ("start", "stop", "rows", "bytes")):
            raise UnfitData(f"{where} is damaged: it names no shard of this folder. Embed the set again.")
        if not isinstance(said.get("failed"), list) or not isinstance(said.get("sha256"), str):
            raise UnfitData(f"{where} is damaged: it does not say what its shard holds. Embed the set again.")
        return said

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
        """Remove what a finished job needs no more, and what was left aside by one that was killed; nothing else.

        Another job may be doing the same: what is gone already is no trouble.
        """
        mine = re.compile(r"(ledger/[0-9]{6,12}\.json|states/[0-9]{6,12}\.safetensors)")
        if isinstance(self.place, Local):
            self._clear_here(self.place.path, mine)
            return
        for entry in self._entries():
            if mine.fullmatch(entry.name):
                self.place.below(entry.name).remove()

    @staticmethod
    def _clear_here(folder: Path, mine: "re.Pattern[str]") -> None:
        old = time.time() - ABANDONED
        for inside in (folder / "ledger", folder / "states", folder / "shards", folder):
            if inside.is_symlink() and inside != folder:
                continue  # somebody else's folder
            with suppress(OSError):
                for path in list(inside.iterdir()):
                    aside = path.name.startswith(".") and path.name.endswith(".part")
                    if mine.fullmatch(f"{inside.name}/{path.name}") or (aside and path.lstat().st_mtime < old):
                        path.unlink(missing_ok=True)
                if inside.name in ("ledger", "states"):
                    inside.rmdir()

    def manifest(self) -> dict[str, Any] | None:
        """What a finished job says of itself; None for one that is not. Raises UnfitData for one that is damaged."""
        said, where = self._json(MANIFEST), self.place.below(MANIFEST)
        if said is None:
            return None
        counts = [said.get(key) for key in ("images", "rows", "failed")]
        shards, files = said.get("shards"), said.get("files")
        if said.get("schema") != SCHEMA or not isinstance(said.get("job"), str) or not isinstance(files, dict):
            raise UnfitData(f"{where} is not that of an embedded set; embed the set again.")
        if not all(isinstance(count, int) and count >= 0 for count in counts) or not isinstance(shards, list):
            raise UnfitData(f"{where} is damaged: it does not say how many images there are. Embed the set again.")
        for entry in shards:
            self._entry(entry, where)
        return said

    def accumulators(self) -> dict[Key, Accumulator]:
        where = self.place.below(ACCUMULATORS)
        return unpacked(self._there(where), str(where))

    def failures(self) -> Iterator[dict[str, str]]:
        """id, source and reason of every image that could not be read, of a finished job."""
        said = self._there(self.place.below(FAILED)).decode(errors="replace")
        yield from csv.DictReader(io.StringIO(said, newline=""))

    @staticmethod
    def _there(where: Place) -> bytes:
        try:
            return where.read()
        except FileNotFoundError:
            raise UnfitData(f"{where} is gone; embed the set again.") from None

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
            raise self._unwritable(name, error) from None

    def _unwritable(self, name: str, error: OSError) -> Unwritable:
        return Unwritable(
            f"Cannot write {self.place.below(name)}: {error.strerror or error}. What is done is kept: make room or "
            "choose who may write there, and the same command goes on."
        )


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


def _sound(job: Mapping[str, Any]) -> bool:
    """Whether what is read of a job is of the kind that is written of one."""
    source, encoders, columns = job.get("source"), job.get("encoders"), job.get("columns")
    if not isinstance(source, dict) or not isinstance(encoders, list) or not isinstance(columns, dict):
        return False
    parts = source.get("parts")
    return (
        isinstance(source.get("name"), str)
        and isinstance(source.get("given"), str)
        and isinstance(parts, list)
        and all(isinstance(part, dict) and isinstance(part.get("images"), int) for part in parts)
        and all(isinstance(each, dict) and each.keys() >= OF_ENCODER for each in encoders)
        and all(isinstance(about, dict) and "kind" in about for about in columns.values())
        and isinstance(job.get("layers"), list)
        and isinstance(job.get("keep"), list)
        and isinstance(job.get("shard"), int)
        and job["shard"] > 0
    )
