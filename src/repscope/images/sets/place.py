"""Place: a file or folder on this machine or in a store such as s3://, read and written the same way."""

import errno
import os
import secrets
import stat
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from repscope.errors import Unreachable, WrongUsage

T = TypeVar("T")

WAITS = (0.5, 1.0, 2.0)
"""Seconds between tries of a remote store: a busy server is given time, a dead one is named soon."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below a folder.

    Attributes:
        name: Its path from there, with "/".
        size: Bytes.
        changed: When it was last changed, seconds.
        regular: Whether reading it ends: no pipe, no device.
    """

    name: str
    size: int
    changed: float
    regular: bool = True


class Place(ABC):
    """A path; what it can raise is OSError on this machine, and Unreachable for a store that gives no answer."""

    @abstractmethod
    def __str__(self) -> str:
        """As it was given: what messages call it."""

    @property
    @abstractmethod
    def name(self) -> str: ...

    @abstractmethod
    def below(self, name: str) -> "Place":
        """What this name, or path with "/", leads to from here."""

    @abstractmethod
    def kind(self) -> str:
        """`file`, `folder`, `other` or `nothing`."""

    @abstractmethod
    def read(self) -> bytes: ...

    @abstractmethod
    def open(self) -> Any:
        """A file of pyarrow, for reading from any position."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """The whole file at once: it is there with all of it or as it was before; folders are made."""

    @abstractmethod
    def remove(self) -> None:
        """The file, where there is one."""

    @abstractmethod
    def entries(self) -> list[Entry]:
        """Every file below a folder, hidden ones and those in hidden folders aside, in no order."""

    @abstractmethod
    def entry(self) -> Entry:
        """Size and time of a file; raises FileNotFoundError."""


@final
@dataclass(frozen=True)
class Local(Place):
    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        return self.path.name or self.path.resolve().name

    def below(self, name: str) -> "Local":
        return Local(self.path / name)

    def kind(self) -> str:
        try:
            if self.path.is_dir():
                return "folder"
            return "file" if self.path.is_file() else "other" if self.path.exists() else "nothing"
        except ValueError:  # a null byte
            return "nothing"
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
                return "nothing"
            raise

    def read(self) -> bytes:
        if not stat.S_ISREG(mode := self.path.stat().st_mode) and not stat.S_ISDIR(mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device")  # reading it may never end
        return self.path.read_bytes()

    def create(self, data: bytes) -> bool:
        """As `write`, where there is no such file yet; False where there is."""
        with self._aside(data) as aside:
            try:
                os.link(aside, self.path)
            except FileExistsError:
                return False
        return True

    def open(self) -> Any:
        from pyarrow import OSFile

        return OSFile(str(self.path))

    def write(self, data: bytes) -> None:
        with self._aside(data) as aside:
            aside.replace(self.path)

    @contextmanager
    def _aside(self, data: bytes) -> Iterator[Path]:
        """The data in a file beside this one, which is gone afterwards, unless it has taken another name."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.part")
        try:
            with aside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # a rename that outlives its content would be a lie
            yield aside
        finally:
            aside.unlink(missing_ok=True)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        found: list[Entry] = []
        self._into(found, str(self.path), "", {_identity(str(self.path))})
        return found

    def _into(self, found: list[Entry], folder: str, before: str, visited: set[tuple[int, int]]) -> None:
        """Each folder once: links may lead in circles."""
        with os.scandir(folder) as inside:
            some = sorted(inside, key=lambda each: each.is_symlink())  # folders by their own name before links to them
        for each in some:
            if each.name.startswith("."):
                continue
            name = before + each.name
            try:
                identity = _identity(each.path) if each.is_dir() else None
            except OSError:
                identity = None
            if identity is None:
                found.append(_entry(name, each))
            elif identity not in visited:
                visited.add(identity)
                self._into(found, each.path, f"{name}/", visited)

    def entry(self) -> Entry:
        about = self.path.stat()
        return Entry(self.path.name, about.st_size, about.st_mtime)


def _identity(path: str) -> tuple[int, int]:
    about = os.stat(path)  # noqa: PTH116
    return about.st_dev, about.st_ino


def _entry(name: str, found: "os.DirEntry[str]") -> Entry:
    try:
        about = found.stat()
    except OSError:  # a link to nothing
        return Entry(name, -1, 0.0, regular=False)
    return Entry(name, about.st_size, about.st_mtime, found.is_file())


@final
@dataclass(frozen=True)
class Remote(Place):
    """A path of a file system of pyarrow; asked again a few times where it gives no answer.

    Attributes:
        address: As it was given, without its options.
        files: The file system.
        path: The path as the file system knows it.
    """

    address: str
    files: Any
    path: str

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]

    def below(self, name: str) -> "Remote":
        return Remote(f"{self.address.rstrip('/')}/{name}", self.files, f"{self.path.rstrip('/')}/{name}")

    def _ask(self, ask: Callable[[], T]) -> T:
        for wait in (*WAITS, None):
            try:
                return ask()
            except FileNotFoundError:
                raise
            except ValueError as error:  # pyarrow's word for a path that is none
                raise WrongUsage(f"{self.address} is no path of a store ({error}).") from None
            except OSError as error:
                if wait is None:
                    said = " ".join(str(error).split())[:300].rstrip(".")
                    raise Unreachable(
                        f"{self.address}: {said}. It was tried {len(WAITS) + 1} times. The same command goes on "
                        "where it stopped, once the store answers."
                    ) from None
                time.sleep(wait)
        raise AssertionError

    def kind(self) -> str:
        from pyarrow.fs import FileType

        found = self._ask(lambda: self.files.get_file_info(self.path)).type
        return {FileType.File: "file", FileType.Directory: "folder", FileType.NotFound: "nothing"}.get(found, "other")

    def read(self) -> bytes:
        def ask() -> bytes:
            with self.files.open_input_file(self.path) as file:
                return file.read()

        return self._ask(ask)

    def open(self) -> Any:
        return self._ask(lambda: self.files.open_input_file(self.path))

    def write(self, data: bytes) -> None:
        def ask() -> None:
            if self._makes_folders():
                self.files.create_dir(self.path.rpartition("/")[0], recursive=True)
            with self.files.open_output_stream(self.path) as file:  # an object appears when it is closed
                file.write(data)

        self._ask(ask)

    def _makes_folders(self) -> bool:
        return self.files.type_name not in ("s3", "gcs", "abfs")

    def remove(self) -> None:
        from contextlib import suppress

        with suppress(FileNotFoundError):
            self._ask(lambda: self.files.delete_file(self.path))

    def entries(self) -> list[Entry]:
        from pyarrow.fs import FileSelector, FileType

        infos = self._ask(lambda: self.files.get_file_info(FileSelector(self.path, recursive=True)))
        start = len(self.path.rstrip("/")) + 1
        names = ((info.path[start:], info) for info in infos if info.type == FileType.File)
        hidden = lambda name: any(part.startswith(".") for part in name.split("/"))  # noqa: E731
        return [_remote(name, info) for name, info in names if not hidden(name)]

    def entry(self) -> Entry:
        from pyarrow.fs import FileType

        info = self._ask(lambda: self.files.get_file_info(self.path))
        if info.type != FileType.File:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.address)
        return _remote(self.name, info)


def _remote(name: str, info: Any) -> Entry:
    return Entry(name, info.size or 0, (info.mtime_ns or 0) / 1e9)


def place(given: "str | os.PathLike[str]") -> Place:
    """A path on this machine, or an address such as s3://bucket/folder; raises WrongUsage for any other address."""
    text = os.fspath(given)
    if "://" not in text:
        try:
            # From the root: a set is the same from wherever it is asked for, and so are its bytes.
            return Local(Path(os.path.abspath(Path(text).expanduser())))  # noqa: PTH100  resolve would follow links
        except (RuntimeError, ValueError, UnicodeError) as error:  # the home of nobody, or no path at all
            raise WrongUsage(f"{text!r} is no path ({error}).") from None
    from pyarrow import ArrowInvalid
    from pyarrow.fs import FileSystem

    if "@" in text.partition("://")[2].partition("/")[0]:
        raise WrongUsage("An address with keys in it would be written into every file; give keys in the environment.")
    try:
        files, path = FileSystem.from_uri(text)
    except (ArrowInvalid, OSError, NotImplementedError) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise WrongUsage(
            f"{text} is no address that can be read ({said}); give a path, or s3://bucket/folder."
        ) from None
    if files.type_name == "local":
        return Local(Path(path))
    return Remote(text.partition("?")[0], files, path)
