"""Tar: a WebDataset shard; files of one name before the first dot belong together."""

import json
import tarfile
from collections.abc import Iterator
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
                        key = f"{folder}/{stem}" if folder else stem
                        groups.setdefault(key, {})[suffix.lower()] = (member.offset_data, member.size)
        except (tarfile.TarError, OSError, ValueError) as error:
            raise self._unread(error) from None
        found = (self._member(key, files) for key, files in groups.items())
        return tuple(member for member in found if member is not None)

    @staticmethod
    def _member(key: str, files: dict[str, tuple[int, int]]) -> Member | None:
        suffix = next((suffix for suffix in files if f".{suffix.rpartition('.')[2]}" in SUFFIXES), None)
        if suffix is None:
            return None
        return Member(key, files[suffix], f"{key}.{suffix}", files.get("cls") or files.get("label"), files.get("json"))

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
                except (OSError, ValueError) as error:
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
