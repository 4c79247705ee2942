"""Experiment: a plan's encoders trained one after another, or several at a time."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any

from repscope import threads
from repscope.errors import RepscopeError, WrongUsage
from repscope.images import Photo, Skipped
from repscope.lab import data
from repscope.lab.copies import copies
from repscope.lab.listener import Silent
from repscope.lab.plan import PROXY, Cell, Plan, floor, hold, request, waves
from repscope.lab.pretrain import foreseen, pretrain
from repscope.lab.request import Request, planned

Say = Callable[[str], None]


def experiment(plan: Plan, workers: int = 1, say: Say = lambda line: None) -> list[Cell]:  # noqa: ARG005
    """Train every run that is not done yet, `workers` at a time; a run that was stopped goes on.

    What is given back are the runs to be compared: proxies are not among them. Beside them `out` gets the
    folder `untrained`, the encoder that they are read against.

    Raises WrongUsage where `out` holds runs of another budget, and the RepscopeError of the first
    run that fails; those beside it are stopped, and go on with the next call.
    """
    _foreseen(plan)
    ordered = waves(plan)
    asked = [cell for wave in ordered for cell in wave]
    hold(plan)
    if not (floor(plan) / "card.md").is_file():
        alone = asked[0].objective  # names the recipe's options; nothing is trained
        pretrain(Request(plan.recipe, plan.data, alone, epochs=0, seed=0, out=floor(plan), resume=True, judged=False))
    done = sum(cell.done for cell in asked)
    for wave in ordered:
        for cell in _trained(plan, [cell for cell in wave if not cell.done], workers):
            done += 1
            say(f"{done} of {len(asked)} runs: {cell}")
    return [cell for cell in asked if cell.objective != PROXY]


def apart(plan: Plan, photos: Sequence[Photo]) -> tuple[list[Photo], list[Skipped]]:
    """The photos that are not trained on, and the others with the reason to leave them out.

    Raises WrongUsage where all are trained on, and what `experiment` raises before it trains.
    """
    _foreseen(plan)
    recipe, _ = planned(request(plan, waves(plan)[0][0]))
    images = data.read(data.found(plan.data).train, recipe.size)
    found = copies([photo.pixels for photo in photos], images.pixels)
    if len(found) == len(photos):
        raise WrongUsage(f"All {len(photos)} photos are trained on. Give --photos that are not in --data.")
    left = [
        Skipped(photos[place].source or photos[place].id, f"alike to image {image + 1:,} of {plan.data}, trained on")
        for place, image in found.items()
    ]
    return [photo for place, photo in enumerate(photos) if place not in found], left


def _foreseen(plan: Plan) -> None:
    """What cannot work is told before anything is decoded or trained, not after half of it."""
    for cell in (cell for wave in waves(plan) for cell in wave if not cell.seed):
        (planned if cell.teachers else foreseen)(request(plan, cell))


class _Warnings(Silent):
    """Of a run among many, that it begins and that it collapses."""

    def __init__(self, cell: Cell):
        self.cell, self.told = cell, False
        self._print("begins")

    def logged(self, line: Mapping[str, Any]) -> None:
        if line.get("collapse") and not self.told:
            self._print(f"WARNING at step {line['step']:,}: {line['collapse']}")
            self.told = True

    def _print(self, line: str) -> None:
        sys.stderr.write(f"{self.cell}: {line}\n")


def _trained(plan: Plan, wave: Sequence[Cell], workers: int) -> Iterator[Cell]:
    """The runs of a wave as they end."""
    if workers == 1 or len(wave) < 2:
        for cell in wave:
            pretrain(request(plan, cell), _Warnings(cell))
            yield cell
        return
    share = threads.beside(workers)
    waiting, beside = list(wave), dict[int, _Beside]()
    try:
        while waiting or beside:
            while waiting and len(beside) < workers:
                started = _Beside(plan, waiting.pop(0), share)
                beside[started.process.sentinel] = started
            for ended in connection.wait(list(beside)):
                yield beside.pop(ended).end()  # type: ignore[call-overload]
    finally:
        for each in beside.values():
            each.process.terminate()
            each.process.join()


class _Beside:
    """A run in a process of its own: fresh, because a forked one would share the threads of torch."""

    def __init__(self, plan: Plan, cell: Cell, share: int):
        fresh = multiprocessing.get_context("spawn")
        self.cell = cell
        self.heard, tells = fresh.Pipe(duplex=False)
        self.process = fresh.Process(target=_one, args=(plan, cell, share, tells))
        self.process.start()
        tells.close()

    def end(self) -> Cell:
        """The run, once its process has ended; raises what became of one that failed."""
        self.process.join()
        code = self.process.exitcode or 0
        try:
            kind, message = self.heard.recv()
        except EOFError:
            kind, message = None, ""
        if kind is not None:
            raise kind.__new__(kind, f"{self.cell}: {message}")
        if code < 0:
            raise RepscopeError(
                f"{self.cell}: its process was ended by signal {-code}; where memory is short, use fewer --workers. "
                "The same command goes on."
            )
        if code > 0:
            raise RuntimeError(f"{self.cell}: its process ended with code {code}, as told above.")
        return self.cell


def _one(plan: Plan, cell: Cell, share: int, tells: "connection.Connection") -> None:
    """One run; a mistake is sent as kind and words, because not every error can be."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits; it ends the others
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    try:
        pretrain(request(plan, cell, share), _Warnings(cell))
    except RepscopeError as error:
        tells.send((type(error), str(error)))


def _end_with(parent: BaseProcess) -> None:
    """Killed, the process that waits can end nobody, and who starts it again would train beside what it left."""
    parent.join()
    os._exit(1)
