"""Log: a line of JSON for every few steps of a run, cut where the run goes on."""

import json
import math
from pathlib import Path
from typing import Any

from repscope.errors import Unwritable
from repscope.lab import checkpoint, processes

LOG = "log.jsonl"
BARE = {"step", "of", "loss", "images_per_second"}
"""What every line may hold; the rest are readings."""


def add(path: Path, line: dict[str, Any]) -> None:
    """One line more, by the first process alone. Raises Unwritable."""
    if processes.rank() != 0:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as log:
            log.write(json.dumps({k: _plain(v) for k, v in line.items()}) + "\n")
    except OSError as error:
        raise Unwritable(f"{path} could not be written: {error}. Make room, or choose another folder.") from None


def cut(path: Path, step: int) -> None:
    """Leave of a log what speaks of this step and those before it: the rest will be said again, or was cut off."""
    if processes.rank() != 0:
        return
    lines = _lines(path)
    kept = [line for line in lines if line.endswith("\n") and _read(line).get("step", math.inf) <= step]
    if kept != lines:
        with checkpoint.aside(path) as part:
            part.write_text("".join(kept))


def _lines(path: Path) -> list[str]:
    """Of the log, each with its end; none where there is no log. Raises Unwritable for one that may not be read."""
    try:
        return path.read_text(errors="replace").splitlines(keepends=True)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Unwritable(
            f"{path} cannot be read, and a run goes on with its log: {error.strerror}. Make it readable, or remove it."
        ) from None


def _read(line: str) -> dict[str, Any]:
    """A line of the log; empty where a kill cut it off."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _plain(value: Any) -> Any:
    """JSON has no name for what is not finite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def dial(folder: Path, per_epoch: int) -> list[float]:
    """The lengths in epochs that the run in this folder was set to, in order, as its log has them.

    More than one where it was resumed with another: its rates and averages then jumped.
    """
    set_to: list[float] = []
    for line in map(_read, _lines(folder / LOG)):
        if "of" in line and set_to[-1:] != [line["of"] / per_epoch]:
            set_to.append(line["of"] / per_epoch)
    return set_to


def course(folder: Path) -> tuple[tuple[float, float] | None, str]:
    """What the monitor said of a run: k-NN accuracy untrained and at its last look, and the collapse it called there.

    None where it had no labels, or did not see the untrained encoder; empty where the run is well.
    """
    seen = [line for line in map(_read, _lines(folder / LOG)) if line.keys() - BARE]
    if not seen:
        return None, ""
    named = [line["knn_accuracy"] for line in (seen[0], seen[-1]) if "knn_accuracy" in line]
    known = len(named) == 2 and seen[0]["step"] == 0 < seen[-1]["step"]
    return (named[0], named[1]) if known else None, seen[-1].get("collapse") or ""
