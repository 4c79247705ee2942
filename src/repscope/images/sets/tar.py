"""Tar: a WebDataset shard; files of one name before the first dot belong together."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from repscope.errors import UnfitData
from repscope.images.sets.image_set import Item, Part, digest_of
from repscope.images.sets.place import Entry, Place
from repscope.images.sources import SUFFIXES

LABELS = ("label", "class", "cls", "category")
LARGEST = 1 << 20
"""Bytes of a label or of a description, at most."""


@dataclass(frozen=True, slots=True)
class Member:
    """Where the files of one image lie in the archive: offset and length of each."""

    key: str
    image: tuple[int, int]
    name: str
    label: tuple[int, int] | None
    description: tuple[int, int] | None


@final
class Tar(Part):
    """The images of one archive, in its order. Nothing is unpacked to disk: members are read where they lie."""

    def __init__(self, place: Place, name: str):
        self.place, self.name = place, name

    @cached_property
    def _members(self) -> tuple[Member, ...]:
        groups: dict[str, dict[str, tuple[int, int]]] = {}
        try:
            with self.place.open() as file, tarfile.open(fileobj=file, mode="r:") as archive:
                for member in archive:
                    folder, _, last = member.name.rpartition("/")
                    stem, _, suffix = last.partition(".")
                    if member.isreg() and stem and not last.startswith("."):
                        files = groups.setdefault(f"{folder}/{stem}" if folder else stem, {})
                        again = "" if suffix.lower() not in files else f"{len(files)}."
                        files[again + suffix.lower()] = (member.offset_data, member.size)
                file.seek(archive.offset)  # a damaged header ends an archive as quietly as its end does
                if file.read(512).strip(b"\0"):
                    raise ValueError("it is damaged in the middle")
        except (tarfile.TarError, OSError, ValueError, OverflowError, SystemError) as error:
            raise self._unread(error) from None
        return tuple(member for key, files in groups.items() for member in _members(key, files))

    def __reduce__(self) -> Any:
        """Sent to another process it begins anew: an open file is nobody else's."""
        return Tar, (self.place, self.name)

    def __len__(self) -> int:
        return len(self._members)

    def items(self, start: int, stop: int) -> Iterator[Item]:
        members = self._members[start:stop]
        with self.place.open() as file:
            for member in members:
                try:
                    data, label = _bytes(file, member.image), _label(file, member)
                except (OSError, ValueError, OverflowError, SystemError) as error:
                    raise self._unread(error) from None
                yield Item(f"{self.name}/{member.key}", f"{self.place}#{member.name}", data, label)

    @cached_property
    def _entry(self) -> Entry:
        return self.place.entry()

    def changed(self, start: int, stop: int) -> float:  # noqa: ARG002
        return self._entry.changed

    @property
    def digest(self) -> str:
        return digest_of(iter([f"{self.name}\0{self._entry.size}\0{len(self)}"]))

    def _unread(self, error: Exception) -> UnfitData:
        return UnfitData(
            f"{self.place} cannot be read as a tar archive: {str(error).rstrip('.')}. Fetch or copy it again."
        )


def _members(key: str, files: Mapping[str, tuple[int, int]]) -> Iterator[Member]:
    """Every image of a key; where there are several, their suffixes tell them apart."""
    images = [suffix for suffix in files if f".{suffix.rpartition('.')[2]}" in SUFFIXES]
    label, described = files.get("cls") or files.get("label"), files.get("json")
    for suffix in images:
        name = f"{key}.{suffix}"
        yield Member(key if len(images) == 1 else name, files[suffix], name, label, described)


def _bytes(file: Any, where: tuple[int, int]) -> bytes:
    file.seek(where[0])
    data = file.read(where[1])
    if len(data) < where[1]:
        raise ValueError("it is cut short")
    return data


def _label(file: Any, member: Member) -> str | None:
    """The text of `.cls`, or what `.json` calls the label."""
    if member.label and member.label[1] <= LARGEST:
        return _bytes(file, member.label).decode(errors="replace").strip() or None
    if not member.description or member.description[1] > LARGEST:
        return None
    try:
        said = json.loads(_bytes(file, member.description))
    except (ValueError, RecursionError):
        return None
    said = said if isinstance(said, dict) else {}
    label = next((said[name] for name in LABELS if isinstance(said.get(name), str | int)), None)
    return None if label is None else str(label)
