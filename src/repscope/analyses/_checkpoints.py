"""Checkpoints: what a person gives as files, folders and names, as encoders in natural order; reads no weights."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repscope.encoders import Encoder, available, load
from repscope.encoders.weights import NAMES, PICKLED
from repscope.errors import UnfitCheckpoint
from repscope.images.sources import natural
from repscope.images.unique import unique

FILES = (".safetensors", ".onnx")
STEPS = "steps"  # where a run of the lab keeps its encoders


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """One encoder of a run, not loaded yet.

    Attributes:
        label: The shortest name that tells it from the others.
        given: What `load` takes, or an encoder.
    """

    label: str
    given: Any

    def loaded(self) -> Encoder:
        """The encoder; raises what `load` raises."""
        return load(self.given, "float32") if isinstance(self.given, str) else self.given

    def sought(self) -> None:
        """Raise what `load` raises of a file or folder that is not there."""
        if isinstance(self.given, str) and not Path(self.given).expanduser().exists():
            self.loaded()


def listed(given: Any) -> list[Checkpoint]:
    """Every checkpoint of these files, folders, names and encoders once.

    A folder stands for the checkpoints in it: those in its `steps` (a run of the lab), the folders
    below it that hold an encoder each, the files in it, or the one encoder that it is itself. What
    differs in numbers alone comes in their order, step-2 before step-10, however it was given; all
    else as given, and a folder's own by name. Raises UnfitCheckpoint for a folder without any.
    """
    given = [given] if isinstance(given, str | os.PathLike) or hasattr(given, "contract") else list(given)
    told = [
        one for each in given for one in (_expanded(os.fspath(each)) if isinstance(each, str | os.PathLike) else [each])
    ]
    found: dict[Any, Any] = {}
    for one in sorted(told, key=lambda one: (_is_link(one), _order(one))):
        found.setdefault(_same(one), one)
    chosen = _ordered([found[key] for key in dict.fromkeys(map(_same, told))])
    return [Checkpoint(*pair) for pair in zip(unique([_parts(one) for one in chosen]), chosen, strict=True)]


def _ordered(chosen: Sequence[Any]) -> list[Any]:
    """Those that differ in numbers alone in order of these, in the places that they have together."""
    kinds = [tuple(re.sub(r"\d+", "0", part).casefold() for part in _parts(one)) for one in chosen]
    waiting: dict[Any, Iterator[Any]] = {}
    for kind in set(kinds):
        waiting[kind] = iter(sorted((one for one, its in zip(chosen, kinds, strict=True) if its == kind), key=_order))
    return [next(waiting[kind]) for kind in kinds]


def axis(labels: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """What the checkpoints are drawn over: the one number in which their labels differ, otherwise their place.

    >>> axis(["step-2", "step-10"]), axis(["early", "late"])
    (('step', (2.0, 10.0)), ('checkpoint', (1.0, 2.0)))
    """
    split = [re.split(r"(\d+)", label) for label in labels]
    if len({tuple(parts[::2]) for parts in split}) == 1:
        numbers = list(zip(*([int(number) for number in parts[1::2]] for parts in split), strict=True))
        differing = [place for place, column in enumerate(numbers) if len(set(column)) > 1]
        column = numbers[differing[0]] if len(differing) == 1 else ()
        if len(set(column)) == len(labels) and max(column) < 2**53:
            before = re.search(r"([^\W\d_]+)[\W_]*$", split[0][2 * differing[0]])
            return before.group(1) if before else "number", tuple(map(float, column))
    return "checkpoint", tuple(float(place) for place in range(1, len(labels) + 1))


def _expanded(given: str) -> list[str]:
    try:
        path = Path(given).expanduser()
        if not given or given in available() or not path.is_dir():
            return [given]
        return sorted(map(str, _within(path)), key=_order)
    except UnfitCheckpoint:  # a ValueError too, and whole as it is
        raise
    except (OSError, RuntimeError, ValueError) as error:  # a folder that may not be entered, the home of nobody
        raise UnfitCheckpoint(f"{given!r} cannot be looked into: {error}. Give a folder of checkpoints.") from None


def _within(folder: Path) -> list[Path]:
    if files := _files(folder / STEPS):
        return files
    below = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    own = (folder / "config.json").is_file()
    if own:  # an encoder; but a trainer also keeps the earlier ones below it
        kept = [path for path in below if (path / "config.json").is_file() and _weights(path)]
        return kept or [folder]
    found = _files(folder) or [path for path in below if _weights(path)]
    if not found:
        raise UnfitCheckpoint(
            f"{folder} holds no checkpoint: neither a {' or '.join(FILES)} file nor a folder with an encoder in it. "
            "Give the folder in which a run keeps its checkpoints."
        )
    return found


def _weights(folder: Path) -> bool:
    """Whether it holds the weights of one encoder, as `load` wants them."""
    return any((folder / name).is_file() for name in NAMES) or len(_files(folder)) == 1


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.suffix in FILES and not path.name.startswith(".")]


def _is_link(one: Any) -> bool:
    """Whether it only points to a checkpoint, as `last` may, that has a name of its own."""
    return isinstance(one, str) and one not in available() and Path(one).expanduser().is_symlink()


def _order(one: Any) -> list[Any]:
    return [natural(part) for part in _parts(one)]


def _same(one: Any) -> Any:
    """What is the same for two ways to name one checkpoint."""
    if not isinstance(one, str):
        return id(one)
    path = Path(one).expanduser()
    return path.resolve() if one not in available() and path.exists() else one


def _parts(one: Any) -> tuple[str, ...]:
    """Folders and name, without the suffix of a file."""
    name = one if isinstance(one, str) else one.contract.name
    path = Path(name).expanduser()
    if not isinstance(one, str) or name in available() or not path.exists():
        return (name,)
    parts = Path(os.path.abspath(path)).parts  # noqa: PTH100  links keep the name they were given by
    return (*parts[:-1], path.stem) if path.suffix in (*FILES, *PICKLED) and path.is_file() else parts
